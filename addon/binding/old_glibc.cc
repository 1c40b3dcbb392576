// What a binary asks of glibc is fixed where it is compiled. Newer versions give some functions new symbol versions
// that older systems lack, though all these calls need is the oldest. They are bound to that here (the linker's --wrap
// sends them), so that one binary runs wherever Node itself does: glibc 2.28.

#if defined(__linux__)
#include <pthread.h>  // brings __GLIBC__

#if defined(__GLIBC__) && defined(__x86_64__)
#define OLDEST "GLIBC_2.2.5"
#elif defined(__GLIBC__) && defined(__aarch64__)
#define OLDEST "GLIBC_2.17"
#endif

#if defined(OLDEST)
extern "C" {

#define BIND(name) __asm__(".symver oldest_" #name "," #name "@" OLDEST)
BIND(exp);
BIND(exp2);
BIND(log);
BIND(log2);
BIND(hypot);
BIND(pthread_create);
BIND(pthread_join);
BIND(pthread_once);

double oldest_exp(double x);
double oldest_exp2(double x);
double oldest_log(double x);
double oldest_log2(double x);
double oldest_hypot(double x, double y);
int oldest_pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*), void* argument);
int oldest_pthread_join(pthread_t thread, void** result);
int oldest_pthread_once(pthread_once_t* control, void (*routine)());

double __wrap_exp(double x) { return oldest_exp(x); }
double __wrap_exp2(double x) { return oldest_exp2(x); }
double __wrap_log(double x) { return oldest_log(x); }
double __wrap_log2(double x) { return oldest_log2(x); }
double __wrap_hypot(double x, double y) { return oldest_hypot(x, y); }
int __wrap_pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*), void* argument) {
  return oldest_pthread_create(thread, attributes, start, argument);
}
int __wrap_pthread_join(pthread_t thread, void** result) { return oldest_pthread_join(thread, result); }
int __wrap_pthread_once(pthread_once_t* control, void (*routine)()) { return oldest_pthread_once(control, routine); }

// Since 2.32 glibc tells by it whether reference counts can do without atomic instructions; in Node they never can.
extern char __libc_single_threaded;
__attribute__((visibility("hidden"))) char __libc_single_threaded = 0;
}
#endif

#endif
