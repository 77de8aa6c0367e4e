// A record of a journal, as a damaged disk may hand it out when its checksum is right all the same: the first byte
// chooses the journal, the second the kind.
#include <array>

#include "persistence/verify.hpp"
#include "tests/fuzz/target.hpp"

using namespace kontor::persistence;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::array kKinds{RecordKind::opened,         RecordKind::decided,
                              RecordKind::learned,        RecordKind::ended,
                              RecordKind::stances,        RecordKind::asked,
                              RecordKind::order_prepared, RecordKind::payment_prepared,
                              RecordKind::payment_open,   RecordKind::inventory_prepared,
                              RecordKind::inventory_open};
  if (size < 2) return 0;
  Record record;
  record.header.kind = kKinds[data[1] % kKinds.size()];
  record.payload = {reinterpret_cast<const char*>(data + 2), size - 2};
  record.header.size = static_cast<std::uint32_t>(record.payload.size());
  static_cast<void>(check_payload(static_cast<Stream>(data[0] % kStreams), record));
  static_cast<void>(unseal({reinterpret_cast<const char*>(data), size}, 0));
  return 0;
}
