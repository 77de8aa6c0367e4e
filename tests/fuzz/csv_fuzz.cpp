// A file of invoices, whatever it holds: rows are the same however the bytes come, and what they mean is found without
// a fault.
#include <cstdlib>

#include "cmd/kontor/replay/invoice_file.hpp"
#include "tests/fuzz/target.hpp"

using namespace kontor::cmd::replay;

namespace {

struct Seen {
  std::uint64_t line;
  CsvFault fault;
  std::size_t columns;
  std::vector<std::string> fields;
  friend bool operator==(const Seen&, const Seen&) = default;
};

std::vector<Seen> rows_of(std::string_view bytes, std::size_t chunk) {
  std::vector<Seen> rows;
  read_csv(bytes, chunk, [&](const CsvRow& row) {
    const bool good = row.fault == CsvFault::none;
    rows.push_back({row.line, row.fault, good ? row.columns : 0, good ? row.fields : std::vector<std::string>()});
  });
  return rows;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (rows_of(bytes, 1) != rows_of(bytes, std::size_t{1} << 16)) std::abort();
  InvoiceFile file;
  read_csv(bytes, 4'096, [&](const CsvRow& row) { file.add(row); });
  return 0;
}
