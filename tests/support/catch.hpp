#pragma once

/// The one include of Catch2, version 2 as Debian 12 ships it: a change of version changes this file only.
#include <catch2/catch.hpp>
