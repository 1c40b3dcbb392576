// Which table is in use.

#include <set>
#include <string>

#include "kernel/instruction_set.h"
#include "kernel/processor.h"

namespace kernel = embedless::kernel;

namespace {

class Dispatch : public testing::Test {
 protected:
  void TearDown() override { kernel::force(""); }
};

TEST_F(Dispatch, ScalarComesFirstAndRunsEverywhere) {
  const auto tables = kernel::tables();
  ASSERT_FALSE(tables.empty());
  EXPECT_STREQ(tables.front()->name, "scalar");
  EXPECT_TRUE(tables.front()->supported());
}

TEST_F(Dispatch, NamesAreUniqueAndEveryFunctionIsThere) {
  std::set<std::string> names;
  for (const kernel::Table* table : kernel::tables()) {
    EXPECT_TRUE(names.insert(table->name).second) << table->name;
    EXPECT_TRUE(table->supported && table->dot && table->squared_l2 && table->squared_norm && table->axpy)
        << table->name;
    EXPECT_TRUE(table->multiply && table->lookup && table->scan_block) << table->name;
  }
}

TEST_F(Dispatch, TheBestSupportedTableIsInUse) {
  const kernel::Table* best = nullptr;
  for (const kernel::Table* table : kernel::tables()) {
    if (table->supported()) best = table;
  }
  EXPECT_EQ(&kernel::active(), best);
}

TEST_F(Dispatch, ForceSwitchesToEachSupportedTableAndBack) {
  const kernel::Table* best = &kernel::active();
  for (const kernel::Table* table : kernel::tables()) {
    const kernel::Table* before = &kernel::active();
    const bool forced = kernel::force(table->name);
    EXPECT_EQ(forced, table->supported()) << table->name;
    EXPECT_EQ(&kernel::active(), forced ? table : before) << table->name;
  }
  EXPECT_TRUE(kernel::force(""));
  EXPECT_EQ(&kernel::active(), best);
}

TEST_F(Dispatch, AnUnknownNameChangesNothing) {
  ASSERT_TRUE(kernel::force("scalar"));
  for (const char* name : {"sse9", "AVX2", "avx", "scalar "}) EXPECT_FALSE(kernel::force(name)) << name;
  EXPECT_STREQ(kernel::active().name, "scalar");
}

#if defined(__GNUC__) && defined(__x86_64__)
TEST_F(Dispatch, TheProcessorIsReadAsTheCompilerReadsIt) {
  __builtin_cpu_init();
  const kernel::Processor& found = kernel::processor();
  EXPECT_EQ(found.avx2, __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"));
  EXPECT_EQ(found.avx512, __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                              __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"));
  EXPECT_EQ(found.avx512vbmi, found.avx512 && __builtin_cpu_supports("avx512vbmi"));
}
#endif

}  // namespace
