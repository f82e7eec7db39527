#ifndef PARLEY_TEST_START_H
#define PARLEY_TEST_START_H

/* In ParleyTestSupport. */
void parley_test_start(void);

#endif
