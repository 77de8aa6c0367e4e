#include "actors/shard.hpp"

#include <algorithm>

#include "actors/coordinator_actor.hpp"
#include "actors/participant_actors.hpp"
#include "persistence/record_codec.hpp"
#include "persistence/table_codec.hpp"

namespace kontor::actors {

using persistence::RecordKind;
using persistence::Stream;

Result<std::unique_ptr<Shard>> Shard::open(const Options& options, std::string* explanation) {
  std::unique_ptr<Shard> shard(new Shard);
  shard->options_ = options;
  auto store = persistence::Store::open({options.dir, options.map_bytes, false}, explanation);
  if (!store) return store.error();
  shard->store_ = std::move(*store);

  Position next = 1;
  {
    const persistence::Store::Reader reader(*shard->store_);
    for (const Stream stream : {Stream::coordinator, Stream::order, Stream::payment, Stream::inventory})
      next = std::max(next, reader.last(stream) + 1);
  }
  persistence::JournalOptions journal;
  journal.reserve_bytes = options.reserve_bytes;
  journal.on_durable = [raw = shard.get()](Position position) { raw->on_durable_(position); };
  journal.on_failure = options.on_fatal;
  shard->journal_ = std::make_unique<persistence::Journal>(*shard->store_, next, std::move(journal));

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
  const std::int64_t now_ns = fabric.now_ns();
  if (recovered_.fresh)
    journal_->put(persistence::Table::meta, std::string(persistence::kFormatKey), RecordKind::meta_format,
                  persistence::write_format(recovered_.format));
  const Position opened = journal_->append(Stream::coordinator, RecordKind::opened,
                                           persistence::write_opened(options_.id, recovered_.incarnation), now_ns);
  assert(opened == recovered_.next);

  Fabric::Shard& own = site.self();
  const auto appended = [&](Stream stream) { return recovered_.appended[static_cast<std::size_t>(stream)]; };
  own.order = spawn_order(system, site,
                          std::make_unique<OrderParticipant>(site, *store_, std::move(keys_), recovered_, opened));
  own.inventory = spawn_inventory(system, site,
                                  std::make_unique<InventoryParticipant>(site, std::move(recovered_.inventory),
                                                                         appended(Stream::inventory), opened));
  own.payment = spawn_payment(
      system, site,
      std::make_unique<PaymentParticipant>(site, std::move(recovered_.payment), appended(Stream::payment), opened));
  CoordinatorOptions options{options_.checkpoint_journal_bytes,
                             [journal = journal_.get()] { return journal->counters().bytes; }};
  own.coordinator = spawn_coordinator(system, site, std::move(options),
                                      {recovered_.incarnation, recovered_.unacknowledged, recovered_.high_water,
                                       recovered_.in_doubt, recovered_.stances, opened - 1});
  on_durable_ = [coordinator = own.coordinator](Position position) { caf::anon_send(coordinator, Durable{position}); };
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
