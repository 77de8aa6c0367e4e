#include "cmd/kontor/replay/byte_source.hpp"

#include <cerrno>
#include <cstring>
#include <memory>

#include <zlib.h>

namespace kontor::cmd::replay {
namespace {

struct CloseGzip {
  void operator()(gzFile_s* file) const { gzclose_r(file); }
};

}  // namespace

ByteSource open_bytes(const std::filesystem::path& path) {
  constexpr unsigned kBufferBytes = 128u << 10;
  errno = 0;
  const std::shared_ptr<gzFile_s> file(gzopen(path.c_str(), "rb"), CloseGzip{});
  if (!file) throw UnreadableFile(path.string() + ": " + std::strerror(errno != 0 ? errno : ENOMEM));
  gzbuffer(file.get(), kBufferBytes);
  return [file, path](char* buffer, std::size_t size) {
    errno = 0;
    const int got = gzread(file.get(), buffer, static_cast<unsigned>(size));
    // zlib counts a truncated stream as data until its end; only the error tells.
    int code = Z_OK;
    const char* message = gzerror(file.get(), &code);
    if (got >= 0 && (code == Z_OK || code == Z_STREAM_END)) return static_cast<std::size_t>(got);
    if (code == Z_ERRNO) throw UnreadableFile(path.string() + ": " + std::strerror(errno));
    throw UnreadableFile(message);  // Names the file already.
  };
}

}  // namespace kontor::cmd::replay
