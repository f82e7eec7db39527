#ifndef PARLEY_CZEROMQ_H
#define PARLEY_CZEROMQ_H

#include <zmq.h>

#endif
