#include "actors/cluster/file_copy.hpp"

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "actors/cluster/limits.hpp"

namespace kontor::actors {
namespace {

const Error kIoError{Errc::io_error, "shard file"};

FileDigest digest_of(const void* data, std::size_t size) {
  const XXH128_hash_t hash = XXH3_128bits(data, size);
  return {hash.low64, hash.high64};
}
FileDigest digest_of(const std::vector<FileDigest>& blocks) {
  return digest_of(blocks.data(), blocks.size() * sizeof blocks[0]);
}

/// Calls `visit(number, data)` for each block until it returns false. False: it cannot be read.
template <class Visit>
bool for_each_block(int descriptor, std::uint64_t bytes, const Visit& visit) {
  std::string buffer(kCopyBlockBytes, '\0');
  for (std::uint64_t number = 0; number * kCopyBlockBytes < bytes; ++number) {
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(kCopyBlockBytes, bytes - number * kCopyBlockBytes));
    for (std::size_t got = 0; got < wanted;) {
      const ssize_t more =
          ::pread(descriptor, buffer.data() + got, wanted - got, static_cast<off_t>(number * kCopyBlockBytes + got));
      if (more < 0 && errno == EINTR) continue;
      if (more <= 0) return false;
      got += static_cast<std::size_t>(more);
    }
    if (!visit(number, std::string_view(buffer).substr(0, wanted))) return true;
  }
  return true;
}

}  // namespace

Result<CopySource> CopySource::open(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return kIoError;
  return CopySource(descriptor);
}
CopySource::CopySource(CopySource&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      blocks_(std::move(other.blocks_)),
      sent_(std::move(other.sent_)) {}
CopySource::~CopySource() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::uint64_t CopySource::bytes() const {
  struct stat status {};
  return ::fstat(descriptor_, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

Result<std::uint64_t> CopySource::send_changed(const std::function<Error(std::uint64_t, std::string_view)>& send) {
  const std::uint64_t size = bytes();
  const auto blocks = static_cast<std::size_t>((size + kCopyBlockBytes - 1) / kCopyBlockBytes);
  blocks_.resize(blocks);
  sent_.resize(blocks);
  std::uint64_t sent = 0;
  Error failed;
  const bool read = for_each_block(descriptor_, size, [&](std::uint64_t number, std::string_view data) {
    const FileDigest digest = digest_of(data.data(), data.size());
    const bool zeros = data.front() == '\0' && data.substr(1) == data.substr(0, data.size() - 1);
    if (sent_[number] ? digest != blocks_[number] : !zeros) {
      failed = send(number, data);
      if (failed.code != Errc::none) return false;
      sent += data.size();
      sent_[number] = true;
    }
    blocks_[number] = digest;
    return true;
  });
  if (!read) return kIoError;
  if (failed.code != Errc::none) return failed;
  return sent;
}

FileDigest CopySource::digest() const { return digest_of(blocks_); }

Result<CopyTarget> CopyTarget::create(const std::filesystem::path& file, std::uint64_t bytes) {
  std::error_code failed;
  const auto space = std::filesystem::space(file.parent_path(), failed);
  if (failed) return kIoError;
  if (space.available < bytes) return Error{Errc::storage_full, "shard file"};
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (descriptor < 0) return kIoError;
  CopyTarget target(descriptor);
  if (::ftruncate(descriptor, static_cast<off_t>(bytes)) != 0) return kIoError;
  return target;
}
CopyTarget::CopyTarget(CopyTarget&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
CopyTarget::~CopyTarget() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void> CopyTarget::write(std::uint64_t number, std::string_view data) {
  for (std::size_t put = 0; put < data.size();) {
    const ssize_t more =
        ::pwrite(descriptor_, data.data() + put, data.size() - put, static_cast<off_t>(number * kCopyBlockBytes + put));
    if (more < 0 && errno == EINTR) continue;
    if (more <= 0) return kIoError;
    put += static_cast<std::size_t>(more);
  }
  return {};
}

Result<FileDigest> CopyTarget::finish(std::uint64_t bytes) {
  if (::ftruncate(descriptor_, static_cast<off_t>(bytes)) != 0 || ::fsync(descriptor_) != 0) return kIoError;
  std::vector<FileDigest> blocks;
  const bool read = for_each_block(descriptor_, bytes, [&](std::uint64_t, std::string_view data) {
    blocks.push_back(digest_of(data.data(), data.size()));
    return true;
  });
  if (!read) return kIoError;
  return digest_of(blocks);
}

}  // namespace kontor::actors
