#pragma once
#include "domain/result.hpp"

namespace kontor::cmd {

/// How the program ends; listed in `kontor --help` and docs/cli.md. From 64 on the numbers are those of sysexits.h.
inline constexpr int kExitOk = 0;
/// What was to be proven does not hold, e.g. the audit found a fault. Over HTTP: the server refuses.
inline constexpr int kExitCheckFailed = 1;
inline constexpr int kExitUsage = 2;     ///< An option or its value.
inline constexpr int kExitBadData = 65;  ///< The input, or a directory that is not ours.
inline constexpr int kExitDirectoryInUse = 69;
inline constexpr int kExitUnavailable = 69;   ///< Over HTTP: the server cannot be reached; nothing was asked of it.
inline constexpr int kExitCannotCreate = 73;  ///< A file or a directory.
/// Reading or writing a journal failed, or it is damaged. Over HTTP: the answer is lost, or the outcome is not known.
inline constexpr int kExitJournal = 74;
inline constexpr int kExitInterrupted = 130;  ///< By Ctrl-C, as shells count it.

/// What the program ends with when opening, auditing or preparing a directory fails with `code`.
inline int exit_code_of(Errc code) {
  switch (code) {
    case Errc::none: return kExitOk;
    case Errc::invalid_argument: return kExitUsage;
    case Errc::directory_in_use: return kExitDirectoryInUse;
    case Errc::incompatible_format:
    case Errc::not_found: return kExitBadData;
    // What an engine that is open refuses was the program's own request: it did not get what it expected. All else that
    // stops a program is the journal's.
    default: return advice(code) == Advice::change_request ? kExitCheckFailed : kExitJournal;
  }
}

}  // namespace kontor::cmd
