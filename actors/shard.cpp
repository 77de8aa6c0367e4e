#include "actors/shard.hpp"

#include <algorithm>
#include <array>
#include <future>

#include "actors/shard_actors.hpp"
#include "persistence/table_codec.hpp"

namespace kontor::actors {

Result<std::unique_ptr<Shard>> Shard::open(const Options& options, std::string* explanation) {
  std::unique_ptr<Shard> shard(new Shard);
  shard->options_ = options;
  auto store = persistence::Store::open({options.dir, options.map_bytes, false}, explanation);
  if (!store) return store.error();
  shard->store_ = std::move(*store);

  persistence::JournalOptions journal;
  journal.reserve_bytes = options.reserve_bytes;
  journal.on_durable = [raw = shard.get()](Position position) { raw->on_durable_(position); };
  journal.on_failure = options.on_fatal;
  shard->journal_ =
      std::make_unique<persistence::Journal>(*shard->store_, next_position(*shard->store_), std::move(journal));

  shard->keys_ = std::make_unique<persistence::KeyIndex>(*shard->store_, shard->journal_.get());
  if (auto loaded = shard->keys_->load(); !loaded) {
    if (explanation) *explanation = options.dir.string() + ": key index: " + std::string(loaded.error().detail);
    return loaded.error();
  }
  const persistence::Format format{persistence::kFormatVersion, options.id, options.shards};
  auto recovered = persistence::recover(*shard->store_, format, shard->keys_.get(), explanation);
  if (!recovered) return recovered.error();
  shard->recovered_ = std::move(*recovered);
  return shard;
}

void Shard::spawn(caf::actor_system& system, Fabric& fabric) {
  const Site site{options_.id, &fabric, journal_.get()};
  // With what was replayed: many short lives must not add up to a journal without end.
  CoordinatorOptions options{
      options_.checkpoint_journal_bytes,
      [journal = journal_.get(), replayed = recovered_.bytes] { return replayed + journal->counters().bytes; }};
  actors_ = spawn_actors(system, site, std::move(options), *store_, std::move(keys_), recovered_);
  ended_ = std::make_shared<std::latch>(4);
  const auto watch = [this](const auto& actor) {
    actor->attach_functor([ended = ended_](const caf::error&) { ended->count_down(); });
  };
  watch(actors_.coordinator), watch(actors_.order), watch(actors_.inventory), watch(actors_.payment);
  on_durable_ = [coordinator = actors_.coordinator](Position position) {
    caf::anon_send(coordinator, Durable{position});
  };
}

namespace {
/// Sends a question that the actor answers behind all that it was asked before.
template <class Question, class Value, class Actor>
std::future<void> ask_last(const Actor& actor, OnRead<Value> Question::*answer) {
  auto told = std::make_shared<std::promise<void>>();
  auto answered = told->get_future();
  Question question;
  question.*answer = [told](const Result<Value>&) { told->set_value(); };
  caf::anon_send(actor, std::move(question));
  return answered;
}
}  // namespace

bool Shard::settled(std::chrono::milliseconds within) {
  const auto until = std::chrono::steady_clock::now() + within;
  std::array answers{ask_last(actors_.order, &ReadOrder::answer), ask_last(actors_.inventory, &ReadProduct::answer),
                     ask_last(actors_.payment, &ReadAccount::answer)};
  return std::all_of(answers.begin(), answers.end(),
                     [&](auto& answer) { return answer.wait_until(until) == std::future_status::ready; });
}

bool Shard::give_up(std::chrono::milliseconds within) {
  auto done = std::make_shared<std::promise<void>>();
  auto given_up = done->get_future();
  caf::anon_send(actors_.coordinator, GiveUp{std::move(done)});
  return given_up.wait_for(within) == std::future_status::ready;
}

void Shard::stop() {
  const auto end = [](auto& handle) {
    if (!handle) return;
    caf::anon_send_exit(handle, caf::exit_reason::user_shutdown);
    handle = nullptr;
  };
  end(actors_.coordinator), end(actors_.order), end(actors_.inventory), end(actors_.payment);
}

void Shard::await_end() {
  if (ended_) ended_->wait();
}

Shard::~Shard() {
  if (journal_) journal_->stop();
}

}  // namespace kontor::actors
