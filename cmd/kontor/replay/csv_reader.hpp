#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// Comma-separated values after RFC 4180, streamed, with every bound enforced:
///
///   file   := [ BOM ] row*
///   row    := field *( "," field ) ( LF | CRLF | end of file )
///   field  := quoted | plain
///   quoted := '"' *( any byte but '"' | '""' ) '"'
///   plain  := *( any byte but ',' and LF )           a quote inside is a byte like any other
///
/// Empty lines between rows are no rows. A row that breaks the grammar, or is longer than kCsvRowBytesMax, is handed
/// out with its fault, and reading goes on at the physical line after the one that it began on: a quote that nobody
/// closes costs one row, not the rest of the file.
namespace kontor::cmd::replay {

inline constexpr std::size_t kCsvRowBytesMax = 16u << 10;  // One row with its line end; real rows have about 100 bytes.
inline constexpr std::size_t kCsvFieldsMax = 16;           // Kept of one row; further ones are only counted.

enum class CsvFault : std::uint8_t { none, malformed, too_long };

struct CsvRow {
  std::uint64_t line = 0;           ///< The physical line that the row begins on, from 1.
  CsvFault fault = CsvFault::none;  ///< Otherwise `fields` says nothing.
  std::size_t columns = 0;          ///< How many fields the row has; `fields` holds the first kCsvFieldsMax.
  std::vector<std::string> fields;
};

/// Fills the buffer with up to `size` bytes and says how many; 0 means the end. May throw; the reader lets it pass.
using ByteSource = std::function<std::size_t(char* buffer, std::size_t size)>;

/// Hands out the rows of a source one by one; never holds more than two rows' bytes and one read.
class CsvReader {
 public:
  explicit CsvReader(ByteSource source) : source_(std::move(source)) {}

  /// The next row into `row`, whose storage is used again. False at the end.
  bool next(CsvRow& row);

 private:
  bool refill();
  void skip_bytes(std::size_t bytes);
  bool skip_rest_of_line();
  bool skip_empty_lines();

  ByteSource source_;
  std::unique_ptr<char[]> chunk_;  ///< What the source fills.
  std::string buffer_;
  std::size_t begin_ = 0;  ///< Of what is not handed out yet, in buffer_.
  std::uint64_t line_ = 1;
  bool started_ = false, ended_ = false;
};

/// Reads all of `bytes`, which may be anything, `chunk` bytes at a time; the pure entry for tests and fuzzers.
void read_csv(std::string_view bytes, std::size_t chunk, const std::function<void(const CsvRow&)>& on_row);

}  // namespace kontor::cmd::replay
