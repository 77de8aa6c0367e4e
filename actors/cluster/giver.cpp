#include "actors/cluster/giver.hpp"

#include <future>
#include <random>

#include "actors/cluster/file_copy.hpp"
#include "actors/cluster/moves.hpp"

namespace kontor::actors {
namespace {

using persistence::ByteWriter;

constexpr std::chrono::milliseconds kLookEvery{50};  // Whether it is to stop.

std::future<Error> start_asking(Peer& peer, ShardId shard, wire::Kind kind, const ByteWriter& body) {
  auto told = std::make_shared<std::promise<Error>>();
  auto answer = told->get_future();
  peer.ask(shard, kind, body.view(), [told](const Reply* reply, NoReply) {
    told->set_value(verdict_in(reply));
    return true;
  });
  return answer;
}

Error await(std::future<Error>& answer, const std::atomic<bool>& stopping,
            std::chrono::milliseconds patience = kMoveAnswerMax) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (answer.wait_for(kLookEvery) != std::future_status::ready) {
    if (stopping) return {Errc::shutting_down, "node"};
    if (std::chrono::steady_clock::now() > until) return {Errc::shard_unreachable, "it does not answer"};
  }
  return answer.get();
}

std::uint64_t unused_attempt() {
  std::random_device random;
  return (std::uint64_t{random()} << 32 | random()) | 1;  // Never 0.
}

}  // namespace

Giver::Giver(MoveParts& parts) : parts_(parts), thread_([this] { run(); }) {}

void Giver::give(ShardId shard, MemberId to, std::function<void(const Error&)> then) {
  Error refusal;
  {
    const std::lock_guard guard(mutex_);
    if (stopping_)
      refusal = {Errc::shutting_down, "node"};
    else if (jobs_.size() >= kMovesMax)
      refusal = {Errc::overloaded, "moves"};
    else
      jobs_.push_back({shard, to, then});
  }
  changed_.notify_one();
  if (refusal.code != Errc::none) then(refusal);
}

std::optional<MoveProgress> Giver::progress() const {
  const std::lock_guard guard(mutex_);
  return progress_;
}

void Giver::show(const Job& job, std::uint64_t copied) {
  const std::lock_guard guard(mutex_);
  if (!progress_) progress_ = MoveProgress{job.shard, 0};
  progress_->copied_bytes += copied;
}

void Giver::run() {
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    const Error error = stopping_ ? Error{Errc::shutting_down, "node"} : give(job);
    trying_ = 0;
    {
      const std::lock_guard guard(mutex_);
      progress_.reset();
    }
    job.then(error);
  }
}

Error Giver::ask(const Job& job, wire::Kind kind, const ByteWriter& body, std::chrono::milliseconds patience) {
  auto answer = start_asking(*parts_.peers[job.to], job.shard, kind, body);
  return await(answer, stopping_, patience);
}

/// One round: all that is not as it was sent last.
Error Giver::copy(const Job& job, CopySource& source) {
  std::deque<std::future<Error>> in_flight;
  const auto send = [&](std::uint64_t number, std::string_view data) -> Error {
    ByteWriter out(data.size() + 32);
    wire::write(out, wire::Block{trying_, number, data});
    in_flight.push_back(start_asking(*parts_.peers[job.to], job.shard, wire::Kind::block, out));
    show(job, data.size());
    if (in_flight.size() < kCopyInFlightMax) return {};
    const Error error = await(in_flight.front(), stopping_);
    in_flight.pop_front();
    return error;
  };
  std::uint64_t left = kCopyRestBytes + 1;
  for (int round = 0; round < kCopyRoundsMax && left > kCopyRestBytes; ++round) {
    const auto sent = source.send_changed(send);
    if (!sent) return sent.error();
    left = *sent;
  }
  for (auto& answer : in_flight)
    if (const Error error = await(answer, stopping_); error.code != Errc::none) return error;
  return {};
}

/// With the shard at rest: what is left, and the vote.
Error Giver::copy_rest(const Job& job, CopySource& source, std::uint64_t epoch) {
  // The last of these rounds sends nothing: the file is as it was sent.
  if (const Error error = copy(job, source); error.code != Errc::none) return error;
  const std::uint64_t bytes = source.bytes();
  ByteWriter seal;
  wire::write(seal, wire::Seal{epoch, trying_, bytes, source.digest()});
  return ask(job, wire::Kind::seal, seal, time_to_finish(bytes));
}

/// What has just come is this node's from the moment it hears so, and open a moment later. To give it before would copy
/// its file beneath the actors that are being housed.
bool Giver::await_awake(ShardId shard) const {
  const auto until = std::chrono::steady_clock::now() + kMoveAnswerMax;
  while (!parts_.host.awake(shard)) {
    if (stopping_ || std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(kLookEvery);
  }
  return true;
}

Error Giver::give(const Job& job) {
  if (!parts_.places.here(job.shard) || job.to >= parts_.peers.size() || job.to == parts_.places.own())
    return {Errc::invalid_argument, "to"};
  if (!await_awake(job.shard)) return {Errc::shard_unreachable, "it is not open here"};
  const std::uint64_t epoch = parts_.places.holding(job.shard).place.epoch + 1;
  trying_ = unused_attempt();
  auto source = CopySource::open(parts_.places.shard_dir(job.shard) / "data.mdb");
  if (!source) return source.error();
  ByteWriter offer;
  wire::write(offer, wire::Offer{epoch, trying_, source->bytes()});
  if (const Error error = ask(job, wire::Kind::offer, offer, kMoveAnswerMax); error.code != Errc::none) return error;
  if (const Error error = copy(job, *source); error.code != Errc::none) return error;

  Route& route = *parts_.routes[job.shard];
  route.drain();
  parts_.rest(job.shard, [&route] { return route.waiting_requests(); });
  route.hold();
  Error error = copy_rest(job, *source, epoch);
  if (error.code == Errc::none) error = parts_.given(job.shard, job.to, trying_, epoch);
  if (error.code != Errc::none) parts_.wake(job.shard, "a shard that was to move cannot be opened again: ");
  return error;
}

void Giver::stop() {
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

}  // namespace kontor::actors
