#include "actors/shard.hpp"

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
  fabric_ = &fabric;
  const Site site{options_.id, &fabric, journal_.get()};
  CoordinatorOptions options{options_.checkpoint_journal_bytes,
                             [journal = journal_.get()] { return journal->counters().bytes; }};
  spawn_actors(system, site, std::move(options), *store_, std::move(keys_), recovered_);
  on_durable_ = [coordinator = site.self().coordinator](Position position) {
    caf::anon_send(coordinator, Durable{position});
  };
}

void Shard::stop() {
  if (!fabric_) return;
  Fabric::Shard& own = fabric_->shards[options_.id];
  const auto end = [](auto& handle) {
    if (!handle) return;
    caf::anon_send_exit(handle, caf::exit_reason::user_shutdown);
    handle = nullptr;
  };
  end(own.coordinator);
  end(own.order);
  end(own.inventory);
  end(own.payment);
  fabric_ = nullptr;
}

Shard::~Shard() {
  if (journal_) journal_->stop();
}

}  // namespace kontor::actors
