// Catch2's main(), compiled once for all test programs: it takes most of a test's compile time.
#define CATCH_CONFIG_MAIN
#include "tests/support/catch.hpp"
