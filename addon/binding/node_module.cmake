# The module that Node loads: embedless.node. cmake-js passes the header folders; plain cmake asks node for them.

if(NOT CMAKE_JS_INC)
  execute_process(
    COMMAND node -p "[require('node-api-headers').include_dir, require('node-addon-api').include_dir].join(';')"
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
    OUTPUT_VARIABLE CMAKE_JS_INC OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  string(REPLACE "\"" "" CMAKE_JS_INC "${CMAKE_JS_INC}")
endif()

add_library(embedless MODULE ${binding_sources} ${CMAKE_JS_SRC})
set_target_properties(embedless PROPERTIES PREFIX "" SUFFIX ".node")
target_include_directories(embedless SYSTEM PRIVATE ${CMAKE_JS_INC})
target_compile_definitions(embedless PRIVATE
  NAPI_VERSION=9 NODE_ADDON_API_CPP_EXCEPTIONS_ALL NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS)
target_link_libraries(embedless PRIVATE embedless_core ${CMAKE_JS_LIB})
if(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND NOT SANITIZE)
  # Nothing is seen from outside but what Node calls, above all not the C++ library's own operators new and delete.
  set(exports ${CMAKE_CURRENT_SOURCE_DIR}/binding/exports.map)
  target_link_options(embedless PRIVATE -Wl,--gc-sections,--version-script=${exports} $<$<CONFIG:Release>:-s>)
  set_property(TARGET embedless APPEND PROPERTY LINK_DEPENDS ${exports})
endif()
include(CheckCXXSymbolExists)
check_cxx_symbol_exists(__GLIBC__ "stdlib.h" EMBEDLESS_GLIBC)
if(EMBEDLESS_GLIBC AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT SANITIZE
    AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|aarch64)$")
  # A user's libstdc++ may be older than the one here, so it comes along; glibc cannot: see old_glibc.cc.
  target_link_options(embedless PRIVATE -static-libstdc++)
  foreach(name exp exp2 log log2 hypot pthread_create pthread_join pthread_once)
    target_link_options(embedless PRIVATE -Wl,--wrap=${name})
  endforeach()
endif()
if(APPLE)
  target_link_options(embedless PRIVATE -undefined dynamic_lookup)
endif()
if(MSVC AND CMAKE_JS_NODELIB_DEF AND CMAKE_JS_NODELIB_TARGET)
  # The import library of Node-API, from the definitions that come with the headers.
  execute_process(COMMAND ${CMAKE_AR} /def:${CMAKE_JS_NODELIB_DEF} /out:${CMAKE_JS_NODELIB_TARGET} ${CMAKE_STATIC_LINKER_FLAGS})
endif()
