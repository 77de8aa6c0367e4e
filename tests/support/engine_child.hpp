#pragma once

/// What engine_child and the tests that start it agree on.
namespace kontor::testing {

inline constexpr int kEngineChildRefusedExit = 3;  ///< The engine did not open; standard output says why.
inline constexpr int kEngineFatalExit = 74;        ///< The engine's own end when its journal fails.

}  // namespace kontor::testing
