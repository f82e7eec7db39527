/* Starts the event loop before anything else in a test process.

   Suites are isolated to the kernel's actor, so its executor is needed when the test library looks for tests, which is
   earlier than any code of ours. */
#include "CTestStart.h"

__attribute__((constructor)) static void start(void) { parley_test_start(); }
