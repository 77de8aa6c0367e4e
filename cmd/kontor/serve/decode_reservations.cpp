// Reservations.
#include "cmd/kontor/serve/decode.hpp"
#include "cmd/kontor/time_text.hpp"

namespace kontor::cmd::serve {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::size_t kTimeBytesMax = 40;  // RFC 3339 with nine digits of a second has at most 35.

/// Just one of the two says when.
void read_expiry(Fields& body, Reserve& reserve) {
  constexpr std::string_view kAt = "expires_at", kIn = "expires_in_ms";
  if (body.has(kAt) == body.has(kIn))
    return body.refusal().set(Errc::invalid_argument, body.pointer_to(kIn), "either this or expires_at is needed");
  if (body.has(kIn)) {
    reserve.expires_in_ns = body.integer(kIn, 1, kReservationNsMax / kNsPerMs) * kNsPerMs;
    return;
  }
  const auto time = parse_time(body.text(kAt, kTimeBytesMax));
  if (!time || *time <= 0)
    return body.refusal().set(Errc::invalid_argument, body.pointer_to(kAt),
                              "a time of RFC 3339 is needed, such as 2026-01-31T12:00:00Z");
  reserve.expires_at_ns = *time;
}

}  // namespace

Operation decode_reserve(const PathNames&, Fields& body, Refusal& refusal) {
  Reserve reserve;
  reserve.checkout = checkout_in(body, refusal);
  read_expiry(body, reserve);
  return reserve;
}

Operation decode_redeem(const PathNames& path, Fields&, Refusal& refusal) {
  return Redeem{reservation_in_path(path[0], refusal)};
}

Operation decode_release(const PathNames& path, Fields&, Refusal& refusal) {
  return Release{reservation_in_path(path[0], refusal)};
}

}  // namespace kontor::cmd::serve
