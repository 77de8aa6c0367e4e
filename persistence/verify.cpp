#include "persistence/verify.hpp"

#include "persistence/directory_lock.hpp"
#include "persistence/record_codec.hpp"
#include "persistence/store.hpp"
#include "persistence/structure_check.hpp"
#include "persistence/table_codec.hpp"

namespace kontor::persistence {
namespace {

constexpr Stream kAllStreams[] = {Stream::coordinator, Stream::order, Stream::payment, Stream::inventory};
constexpr Table kAllTables[] = {Table::meta,   Table::accounts, Table::products,
                                Table::orders, Table::outcomes, Table::keys};

template <class T>
Result<void> outcome(const Result<T>& result) {
  if (!result) return result.error();
  return {};
}

template <class Row>
Result<void> check_block(const Record& record) {
  std::vector<Row> rows;
  return outcome(read_block(record.payload, rows));
}

Result<void> check_row(Table table, const Record& record) {
  switch (table) {
    case Table::accounts: return check_block<Account>(record);
    case Table::products: return check_block<Product>(record);
    case Table::orders: return outcome(read_order_row(record.payload));
    case Table::outcomes: return outcome(read_outcomes(record.payload));
    case Table::meta:
      if (record.header.kind == RecordKind::meta_format) return outcome(read_format(record.payload));
      if (record.header.kind == RecordKind::reservation_row) return outcome(read_reservation_row(record.payload));
      return {};  // Two layouts by key; recovery reads them, and their checksums hold.
    case Table::keys:
      if (record.header.kind == RecordKind::key_ages) return outcome(read_key_ages(record.payload));
      return {};  // Read by KeyIndex::load.
  }
  return {};
}

void verify_shard(const std::filesystem::path& dir, VerifyReport& report) {
  const StructureReport structure = check_structure(dir / "data.mdb");
  report.pages += structure.pages;
  for (const std::string& fault : structure.faults) report.faults.push_back((dir / "data.mdb").string() + ": " + fault);
  if (!structure.sound()) return;  // LMDB must not follow its pointers.
  std::string explanation;
  const auto store = Store::open({dir, kMapBytesDefault, true}, &explanation);
  if (!store) return report.faults.push_back(explanation);

  const Store::Reader reader(**store);
  for (const Stream stream : kAllStreams) {
    Position position = 0;
    Result<void> inside;
    const auto scanned = reader.scan(
        stream, 1,
        [&](const Record& record) {
          position = record.header.key;
          ++report.records[static_cast<std::size_t>(stream)];
          report.bytes += sizeof(RecordHeader) + record.payload.size();
          inside = check_payload(stream, record);
          return static_cast<bool>(inside);
        },
        &position);
    const Result<void>& bad = scanned ? inside : scanned;
    if (!bad)
      report.faults.push_back(dir.string() + ": " + std::string(to_string(stream)) + " journal, position " +
                              std::to_string(position) + ": " + std::string(bad.error().detail));
  }
  for (const Table table : kAllTables) {
    Result<void> inside;
    const auto scanned = reader.scan(table, {}, [&](std::string_view, const Record& record) {
      ++report.rows[static_cast<std::size_t>(table)];
      report.bytes += sizeof(RecordHeader) + record.payload.size();
      inside = check_row(table, record);
      return static_cast<bool>(inside);
    });
    const Result<void>& bad = scanned ? inside : scanned;
    if (!bad)
      report.faults.push_back(dir.string() + ": table " + std::string(to_string(table)) + ", row " +
                              std::to_string(report.rows[static_cast<std::size_t>(table)]) + ": " +
                              std::string(bad.error().detail));
  }
}

}  // namespace

Result<void> check_payload(Stream stream, const Record& record) {
  const Error misplaced{Errc::corrupt_journal, "a record of another journal's kind"};
  const auto expect = [&](Stream home, Result<void> result) {
    return stream == home ? result : Result<void>(misplaced);
  };
  const auto ignore = [](auto&&...) {};
  switch (record.header.kind) {
    case RecordKind::opened: return expect(Stream::coordinator, outcome(read_opened(record.payload)));
    case RecordKind::decided: return expect(Stream::coordinator, outcome(read_decided(record.payload)));
    case RecordKind::learned: return expect(Stream::coordinator, outcome(read_learned(record.payload)));
    case RecordKind::stances: return expect(Stream::coordinator, outcome(read_stances(record.payload)));
    case RecordKind::asked: return expect(Stream::coordinator, outcome(read_asked(record.payload)));
    case RecordKind::ended: return expect(Stream::coordinator, outcome(read_ended(record.payload)));
    case RecordKind::payment_prepared:
      return expect(Stream::payment, read_prepared<PaymentDemand>(record.payload, ignore));
    case RecordKind::inventory_prepared:
      return expect(Stream::inventory, read_prepared<StockDemand>(record.payload, ignore));
    case RecordKind::payment_open:
      return expect(Stream::payment, outcome(read_open<PaymentDemand>(record.payload, ignore)));
    case RecordKind::inventory_open:
      return expect(Stream::inventory, outcome(read_open<StockDemand>(record.payload, ignore)));
    case RecordKind::order_prepared: {
      Result<void> body;
      const auto read = read_order_prepared(record.payload, [&](const OrderItem& item) {
        if (!item.body.empty()) body = outcome(read_body(item.body));
        return static_cast<bool>(body);
      });
      return expect(Stream::order, read ? body : read);
    }
    default: return Error{Errc::corrupt_journal, "unknown kind of record"};
  }
}

Result<VerifyReport> verify(const std::filesystem::path& dir, std::string* explanation) {
  const auto lock = DirectoryLock::shared(dir, explanation);
  if (!lock) return lock.error();
  VerifyReport report;
  const auto shards = shards_in(dir);
  report.shards = static_cast<std::uint16_t>(shards.size());
  if (shards.empty()) {
    if (explanation) *explanation = dir.string() + ": no shard is in it";
    return Error{Errc::not_found, "shards"};
  }
  for (const ShardId id : shards) verify_shard(shard_dir(dir, id), report);
  return report;
}

}  // namespace kontor::persistence
