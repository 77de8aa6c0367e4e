#include "cmd/kontor/replay/csv_reader.hpp"

#include <algorithm>
#include <cstring>

namespace kontor::cmd::replay {
namespace {

constexpr std::size_t kReadBytes = 64u << 10;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

enum class Parsed : std::uint8_t { row, more_needed, malformed };

/// Where in a field the scan is.
enum class Place : std::uint8_t { begin, plain, quoted, quote_in_quoted, line_end };

/// Scans one row from the beginning of `bytes`, byte by byte.
class RowScan {
 public:
  explicit RowScan(CsvRow& row) : row_(row) {
    row_.columns = 0;
    open_field();
  }

  /// `at_end`: nothing follows `bytes`. On `row`, `consumed()` bytes belong to it.
  Parsed scan(std::string_view bytes, bool at_end) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      const char c = bytes[i];
      if (c == '\n' && place_ != Place::quoted) return end_row(i + 1);
      if (!take(c)) return Parsed::malformed;
    }
    if (!at_end) return Parsed::more_needed;
    return place_ == Place::quoted ? Parsed::malformed : end_row(bytes.size());
  }

  std::size_t consumed() const { return consumed_; }

 private:
  bool take(char c) {
    switch (place_) {
      case Place::begin:
      case Place::plain:
        if (c == ',')
          open_field();
        else if (c == '"' && place_ == Place::begin)
          place_ = Place::quoted;
        else
          keep(c), place_ = Place::plain;
        return true;
      case Place::quoted:
        if (c == '"')
          place_ = Place::quote_in_quoted;
        else
          keep(c);
        return true;
      case Place::quote_in_quoted:
        if (c == '"')
          keep(c), place_ = Place::quoted;
        else if (c == ',')
          open_field();
        else if (c == '\r')
          place_ = Place::line_end;
        else
          return false;
        return true;
      case Place::line_end: return false;  // Only LF may follow, and that is not taken here.
    }
    return false;
  }

  void open_field() {
    place_ = Place::begin;
    if (++row_.columns > kCsvFieldsMax) return;
    if (row_.fields.size() < row_.columns) row_.fields.emplace_back();
    row_.fields[row_.columns - 1].clear();
  }

  void keep(char c) {
    if (row_.columns <= kCsvFieldsMax) row_.fields[row_.columns - 1].push_back(c);
  }

  Parsed end_row(std::size_t consumed) {
    consumed_ = consumed;
    row_.fields.resize(std::min(row_.columns, kCsvFieldsMax));
    // The carriage return of CRLF was taken for a byte of a plain last field.
    if (place_ == Place::plain && row_.columns <= kCsvFieldsMax && row_.fields.back().ends_with('\r'))
      row_.fields.back().pop_back();
    return Parsed::row;
  }

  CsvRow& row_;
  Place place_ = Place::begin;
  std::size_t consumed_ = 0;
};

}  // namespace

bool CsvReader::refill() {
  if (ended_) return false;
  if (!chunk_) chunk_ = std::make_unique_for_overwrite<char[]>(kReadBytes);
  const std::size_t got = source_(chunk_.get(), kReadBytes);
  buffer_.erase(0, begin_);
  buffer_.append(chunk_.get(), got);
  begin_ = 0;
  ended_ = got == 0;
  return !ended_;
}

void CsvReader::skip_bytes(std::size_t bytes) {
  const auto from = buffer_.begin() + static_cast<std::ptrdiff_t>(begin_);
  line_ += static_cast<std::uint64_t>(std::count(from, from + static_cast<std::ptrdiff_t>(bytes), '\n'));
  begin_ += bytes;
}

bool CsvReader::skip_rest_of_line() {
  for (;;) {
    const std::size_t end = buffer_.find('\n', begin_);
    if (end != std::string::npos) return skip_bytes(end + 1 - begin_), true;
    begin_ = buffer_.size();  // However long the line is, it is never held whole.
    if (!refill()) return false;
  }
}

/// False when nothing but empty lines is left.
bool CsvReader::skip_empty_lines() {
  for (;;) {
    const std::string_view rest = std::string_view(buffer_).substr(begin_);
    if (rest.starts_with('\n'))
      skip_bytes(1);
    else if (rest.starts_with("\r\n"))
      skip_bytes(2);
    else if (rest.size() < 2 && !ended_)
      refill();  // A lone carriage return may be half of a line end.
    else
      return !rest.empty();
  }
}

bool CsvReader::next(CsvRow& row) {
  while (!started_) {
    started_ = buffer_.size() >= kByteOrderMark.size() || !refill();
    if (started_ && buffer_.starts_with(kByteOrderMark)) begin_ = kByteOrderMark.size();
  }
  if (!skip_empty_lines()) return false;
  row.line = line_;
  for (;;) {
    // Bounding what the scan sees makes the answer the same however the source cuts its bytes.
    const std::string_view rest = std::string_view(buffer_).substr(begin_, kCsvRowBytesMax);
    const bool whole = rest.size() == kCsvRowBytesMax || ended_;
    if (whole || std::memchr(rest.data(), '\n', rest.size()) != nullptr) {
      RowScan scan(row);
      const bool at_end = rest.size() < kCsvRowBytesMax && ended_;
      const Parsed parsed = scan.scan(rest, at_end);
      if (parsed == Parsed::row) {
        row.fault = CsvFault::none;
        skip_bytes(scan.consumed());
        return true;
      }
      if (parsed == Parsed::malformed || whole) {
        row.fault = parsed == Parsed::malformed ? CsvFault::malformed : CsvFault::too_long;
        skip_rest_of_line();
        return true;
      }
    }
    refill();
  }
}

void read_csv(std::string_view bytes, std::size_t chunk, const std::function<void(const CsvRow&)>& on_row) {
  CsvReader reader([&](char* buffer, std::size_t size) {
    const std::size_t count = std::min({bytes.size(), size, std::max<std::size_t>(chunk, 1)});
    std::memcpy(buffer, bytes.data(), count);
    bytes.remove_prefix(count);
    return count;
  });
  CsvRow row;
  while (reader.next(row)) on_row(row);
}

}  // namespace kontor::cmd::replay
