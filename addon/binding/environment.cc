#include "binding/environment.h"

namespace embedless::binding {

Environment& Environment::of(napi_env env) { return *Napi::Env(env).GetInstanceData<Environment>(); }

}  // namespace embedless::binding
