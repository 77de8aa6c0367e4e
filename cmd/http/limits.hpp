#pragma once
#include <chrono>
#include <cstddef>

/// Every bound of the HTTP interface: its unit is the last word before Max, its reason stands beside it. Beyond a bound
/// there is an answer that names it, or, where nobody would read one, the connection ends.
namespace kontor::http {

inline constexpr std::size_t kHeaderBytesMax = 8 * 1024;   // Request line and fields; ours need some 300.
inline constexpr std::size_t kHeaderFieldsMax = 64;        // Browsers send about 20.
inline constexpr std::size_t kBodyBytesMax = 1024 * 1024;  // One request: 2,000 lines take 200 kB.
inline constexpr std::size_t kLineBytesMax = 64 * 1024;    // Of a streamed body; a line is one request.
inline constexpr std::size_t kBlockBytesMax = 256 * 1024;  // Of a streamed body handled at once: some 1,000 checkouts.
inline constexpr std::size_t kBodiesBytesMax = 64 * 1024 * 1024;  // Of all bodies together: 64 of the largest.
inline constexpr std::size_t kConnectionsMax = 4'096;         // Each takes a descriptor and some 20 kB, with TLS 90 kB.
inline constexpr std::size_t kAddressConnectionsMax = 2'048;  // Of one client address.

inline constexpr std::chrono::milliseconds kHeaderDeadline{5'000};  // From a request's first byte; also for that byte.
inline constexpr std::chrono::milliseconds kBodyDeadline{30'000};   // For a body, and for each block of a streamed one.
inline constexpr std::size_t kBodyBytesPerSecondMin = 1'024;        // 1 MiB would take too long; a modem sends more.
inline constexpr std::chrono::milliseconds kBodyRateGrace{5'000};   // Before that rate is asked for: one lost packet.
inline constexpr std::chrono::milliseconds kWriteDeadline{30'000};  // For the client to take one answer.
inline constexpr std::chrono::milliseconds kIdleDeadline{60'000};   // Between two requests of one connection.
inline constexpr std::chrono::milliseconds kLingerDeadline{1'000};  // For the client to read a last answer.
inline constexpr std::chrono::milliseconds kFeedEvery{200};         // A feed with nothing new is asked again.
inline constexpr std::chrono::milliseconds kSweepEvery{100};        // Deadlines are looked at so often.

/// The bounds a server keeps; tests make them small to reach them.
struct Limits {
  std::size_t connections_max = kConnectionsMax;
  std::size_t address_connections_max = kAddressConnectionsMax;
  std::size_t bodies_bytes_max = kBodiesBytesMax;
  std::size_t body_bytes_per_second_min = kBodyBytesPerSecondMin;
  std::chrono::milliseconds body_rate_grace = kBodyRateGrace;
  std::chrono::milliseconds header_deadline = kHeaderDeadline;
  std::chrono::milliseconds body_deadline = kBodyDeadline;
  std::chrono::milliseconds write_deadline = kWriteDeadline;
  std::chrono::milliseconds idle_deadline = kIdleDeadline;
};

}  // namespace kontor::http
