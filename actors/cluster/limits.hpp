#pragma once
#include <chrono>
#include <cstddef>

/// The bounds of what goes on between nodes; see domain/limits.hpp for the engine's own.
namespace kontor::actors {

inline constexpr std::size_t kMembersMax = 64;  // As shards: each has one at least.
inline constexpr std::size_t kNodeNameBytesMax = 32;
inline constexpr std::size_t kHostBytesMax = 253;  // RFC 1035.

// Who has not shown a certificate yet.
inline constexpr std::chrono::seconds kHandshakeMax{5};
inline constexpr std::chrono::seconds kDialMax{3};
inline constexpr std::size_t kStrangersMax = 64;  // Connections in their handshake at a time; ~50 KiB each.
inline constexpr std::size_t kStrangersPerAddressMax = 16;
inline constexpr std::chrono::milliseconds kAcceptPause{100};  // After accept failed.

// A link.
inline constexpr std::size_t kFrameBytes = 256u << 10;       // Envelopes are gathered into frames of about so much.
inline constexpr std::size_t kEnvelopeBytesMax = 64u << 20;  // As a record: a full batch of long requests.
inline constexpr std::size_t kInFlightBytesMax = 4u << 20;   // Sent and not yet heard.
inline constexpr std::size_t kOutboxBytesMax = 64u << 20;    // Waiting; beyond: questions are refused, others dropped.
inline constexpr std::size_t kQuestionsMax = 65'536;         // Asked of a peer and not answered.
inline constexpr std::chrono::milliseconds kLinkTickEvery{100};
// A peer that is asked ten times a second and says nothing is taken for gone: never before kSilenceMin, which a busy
// machine may take to answer; always after kSilenceMax; between them when its silence is unlike what it was (phi).
inline constexpr std::chrono::milliseconds kSilenceMin{1'000}, kSilenceMax{3'000};
inline constexpr double kPhiGone = 8;  // One wrong suspicion in 10^8; also what others found good (Cassandra, Akka).
// Callers of a shard that changes hands, or of which nobody has told yet where it is.
inline constexpr std::size_t kWaitingMax = 4'096;
inline constexpr std::chrono::seconds kHeldMax{10};  // Then they are refused, and those who come later at once.

// A shard that moves: its file, block by block.
inline constexpr std::size_t kCopyBlockBytes = 256u << 10;
inline constexpr std::size_t kCopyInFlightMax = 8;                  // Blocks sent and not kept yet.
inline constexpr std::uint64_t kCopyRestBytes = 8u << 20;           // So much is left for when the shard stands still,
inline constexpr int kCopyRoundsMax = 8;                            // or what is left after so many rounds.
inline constexpr std::uint64_t kCopyFileBytesMax = 1ull << 40;      // As the map.
inline constexpr std::size_t kMovesMax = 64;                        // Asked for at a node and not begun.
inline constexpr std::chrono::milliseconds kRestMax{2'000};         // For a shard's open requests; then: unknown.
inline constexpr std::chrono::milliseconds kAskAgainEvery{500};     // Of the giver, what became of a promise.
inline constexpr std::chrono::milliseconds kMoveAnswerMax{30'000};  // For the other side of a move, while linked.
inline constexpr std::uint64_t kCopyKeptEveryBytes = 16u << 20;     // So much of a copy may be on no disk yet.
inline constexpr std::uint64_t kCopyKeptPerSecondMin = 8u << 20;    // Bytes: what a slow disk makes of a whole copy.

inline constexpr std::chrono::milliseconds kGreetingMax{5'000};  // From a session to the peer's greeting.
inline constexpr std::chrono::milliseconds kRedialMin{100}, kRedialMax{2'000};

}  // namespace kontor::actors
