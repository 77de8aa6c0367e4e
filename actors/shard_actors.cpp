#include "actors/shard_actors.hpp"

#include <algorithm>

#include "actors/participant_actors.hpp"
#include "persistence/record_codec.hpp"
#include "persistence/table_codec.hpp"

namespace kontor::actors {

using persistence::RecordKind;
using persistence::Stream;

Position next_position(const persistence::Store& store) {
  Position next = 1;
  const persistence::Store::Reader reader(store);
  for (const Stream stream : {Stream::coordinator, Stream::order, Stream::payment, Stream::inventory})
    next = std::max(next, reader.last(stream) + 1);
  return next;
}

Handles spawn_actors(caf::actor_system& system, const Site& site, CoordinatorOptions options,
                     const persistence::Store& store, std::unique_ptr<persistence::KeyIndex> keys,
                     persistence::RecoveredShard& recovered) {
  if (recovered.fresh)
    site.journal->put(persistence::Table::meta, std::string(persistence::kFormatKey), RecordKind::meta_format,
                      persistence::write_format(recovered.format));
  const Position opened =
      site.journal->append(Stream::coordinator, RecordKind::opened,
                           persistence::write_opened(site.shard, recovered.incarnation), site.fabric->now_ns());
  assert(opened == recovered.next);

  Handles own;
  const auto appended = [&](Stream stream) { return recovered.appended[static_cast<std::size_t>(stream)]; };
  own.order =
      spawn_order(system, site, std::make_unique<OrderParticipant>(site, store, std::move(keys), recovered, opened));
  own.inventory = spawn_inventory(system, site,
                                  std::make_unique<InventoryParticipant>(site, std::move(recovered.inventory),
                                                                         appended(Stream::inventory), opened));
  own.payment = spawn_payment(
      system, site,
      std::make_unique<PaymentParticipant>(site, std::move(recovered.payment), appended(Stream::payment), opened));
  site.fabric->house(site.shard, own);  // Before the coordinator's first message to them.
  own.coordinator = spawn_coordinator(system, site, std::move(options),
                                      {recovered.incarnation, recovered.unacknowledged, recovered.high_water,
                                       recovered.in_doubt, recovered.stances, opened - 1});
  site.fabric->house(site.shard, own);
  return own;
}

}  // namespace kontor::actors
