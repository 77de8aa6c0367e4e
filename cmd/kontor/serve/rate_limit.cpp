#include "cmd/kontor/serve/rate_limit.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace kontor::cmd::serve {
namespace {

constexpr std::chrono::seconds kLookEvery{1};  // At a full table, for callers that are idle.

}  // namespace

void RateLimit::fill(Bucket& bucket, Time now) const {
  const double seconds = std::chrono::duration<double>(now - bucket.filled_at).count();
  bucket.tokens = std::min<double>(per_second_, bucket.tokens + seconds * per_second_);
  bucket.filled_at = now;
}

RateLimit::Bucket& RateLimit::bucket_of(const std::string& caller, Time now) {
  if (const auto it = buckets_.find(caller); it != buckets_.end()) return it->second;
  if (buckets_.size() >= callers_max_) forget_idle(now);
  if (buckets_.size() >= callers_max_) return others_;
  Bucket& bucket = buckets_[caller];
  bucket.tokens = per_second_, bucket.filled_at = now;
  return bucket;
}

/// Whose bucket is full again may be forgotten: a new one is full, too.
void RateLimit::forget_idle(Time now) {
  if (now - looked_at_ < kLookEvery) return;
  looked_at_ = now;
  std::erase_if(buckets_, [&](const auto& entry) {
    Bucket bucket = entry.second;
    fill(bucket, now);
    return bucket.tokens >= per_second_;
  });
}

unsigned RateLimit::wait_s(const std::string& caller, Time now) {
  if (!is_on()) return 0;
  const std::lock_guard lock(mutex_);
  Bucket& bucket = bucket_of(caller, now);
  fill(bucket, now);
  if (bucket.tokens >= 1) {
    bucket.tokens -= 1;
    return 0;
  }
  ++refused_;
  return std::max(1U, static_cast<unsigned>(std::ceil((1 - bucket.tokens) / per_second_)));
}

std::size_t RateLimit::callers() const {
  const std::lock_guard lock(mutex_);
  return buckets_.size();
}

std::string network_of(const std::string& address) {
  in6_addr v6{};
  if (::inet_pton(AF_INET6, address.c_str(), &v6) != 1 || IN6_IS_ADDR_V4MAPPED(&v6)) return address;
  constexpr std::size_t kNetworkBytes = 8;
  std::fill(std::begin(v6.s6_addr) + kNetworkBytes, std::end(v6.s6_addr), std::uint8_t{0});
  std::array<char, INET6_ADDRSTRLEN> text{};
  return ::inet_ntop(AF_INET6, &v6, text.data(), text.size()) ? text.data() : address;
}

}  // namespace kontor::cmd::serve
