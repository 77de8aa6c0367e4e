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

Error fault_of(int code) {
  return code == ENOSPC || code == EDQUOT ? Error{Errc::storage_full, "shard file"} : kIoError;
}

std::uint64_t blocks_in(std::uint64_t file_bytes) { return (file_bytes + kCopyBlockBytes - 1) / kCopyBlockBytes; }
std::uint64_t bytes_of(std::uint64_t number, std::uint64_t file_bytes) {
  return std::min<std::uint64_t>(kCopyBlockBytes, file_bytes - number * kCopyBlockBytes);
}

std::uint64_t size_of(int descriptor) {
  struct stat status {};
  return ::fstat(descriptor, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

/// Empty: it cannot be read.
std::string_view read_block(int descriptor, std::uint64_t number, std::uint64_t file_bytes, std::string& buffer) {
  buffer.resize(kCopyBlockBytes);
  const auto wanted = static_cast<std::size_t>(bytes_of(number, file_bytes));
  for (std::size_t got = 0; got < wanted;) {
    const ssize_t more =
        ::pread(descriptor, buffer.data() + got, wanted - got, static_cast<off_t>(number * kCopyBlockBytes + got));
    if (more < 0 && errno == EINTR) continue;
    if (more <= 0) return {};
    got += static_cast<std::size_t>(more);
  }
  return std::string_view(buffer).substr(0, wanted);
}

/// Room that is taken now cannot be missing when the shard is at rest. Not every file system can promise it. 0, or
/// errno.
int take_room(int descriptor, std::uint64_t bytes) {
  if (bytes == 0) return 0;
  int result = 0;
  while ((result = ::fallocate(descriptor, 0, 0, static_cast<off_t>(bytes))) != 0 && errno == EINTR) {
  }
  if (result != 0 && (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL))
    result = ::ftruncate(descriptor, static_cast<off_t>(bytes));
  return result == 0 ? 0 : errno;
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

std::uint64_t CopySource::bytes() const { return size_of(descriptor_); }

Result<std::uint64_t> CopySource::send_changed(const std::function<Error(std::uint64_t, std::string_view)>& send) {
  const std::uint64_t size = bytes();
  blocks_.resize(blocks_in(size));
  sent_.resize(blocks_.size());
  std::uint64_t sent = 0;
  std::string buffer;
  for (std::uint64_t number = 0; number < blocks_.size(); ++number) {
    const std::string_view data = read_block(descriptor_, number, size, buffer);
    if (data.empty()) return kIoError;
    const FileDigest digest = digest_of(data.data(), data.size());
    const bool zeros = data.front() == '\0' && data.substr(1) == data.substr(0, data.size() - 1);
    if (sent_[number] ? digest != blocks_[number] : !zeros) {
      if (const Error failed = send(number, data); failed.code != Errc::none) return failed;
      sent += data.size();
      sent_[number] = true;
    }
    blocks_[number] = digest;
  }
  return sent;
}

FileDigest CopySource::digest() const { return digest_of(blocks_); }

Result<CopyTarget> CopyTarget::create(const std::filesystem::path& file, std::uint64_t bytes) {
  std::error_code failed;
  const auto space = std::filesystem::space(file.parent_path(), failed);
  if (failed) return kIoError;
  if (space.available < bytes) return Error{Errc::storage_full, "shard file"};
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (descriptor < 0) return fault_of(errno);
  CopyTarget target(descriptor);
  if (const int fault = take_room(descriptor, bytes); fault != 0) return fault_of(fault);
  return target;
}
CopyTarget::CopyTarget(CopyTarget&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      blocks_(std::move(other.blocks_)),
      loose_(std::move(other.loose_)),
      loose_bytes_(std::exchange(other.loose_bytes_, 0)),
      buffer_(std::move(other.buffer_)) {}
CopyTarget::~CopyTarget() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void> CopyTarget::write(std::uint64_t number, std::string_view data) {
  if (number >= blocks_.size()) blocks_.resize(number + 1);
  blocks_[number].bytes = 0;
  for (std::size_t put = 0; put < data.size();) {
    const ssize_t more =
        ::pwrite(descriptor_, data.data() + put, data.size() - put, static_cast<off_t>(number * kCopyBlockBytes + put));
    if (more < 0 && errno == EINTR) continue;
    if (more <= 0) return more < 0 ? fault_of(errno) : kIoError;
    put += static_cast<std::size_t>(more);
  }
  loose_.push_back(number);
  loose_bytes_ += data.size();
  if (loose_bytes_ < kCopyKeptEveryBytes) return {};
  return keep();
}

Result<void> CopyTarget::keep() {
  if (::fdatasync(descriptor_) != 0) return fault_of(errno);
  const std::uint64_t size = size_of(descriptor_);
  for (const std::uint64_t number : std::exchange(loose_, {}))
    if (blocks_[number].bytes == 0 && !read_back(number, size)) return kIoError;
  loose_bytes_ = 0;
  return {};
}

bool CopyTarget::read_back(std::uint64_t number, std::uint64_t file_bytes) {
  const std::string_view data = read_block(descriptor_, number, file_bytes, buffer_);
  blocks_[number] = {data.size(), digest_of(data.data(), data.size())};
  return !data.empty();
}

Result<FileDigest> CopyTarget::finish(std::uint64_t bytes) {
  if (::ftruncate(descriptor_, static_cast<off_t>(bytes)) != 0 || ::fsync(descriptor_) != 0) return fault_of(errno);
  blocks_.resize(blocks_in(bytes));
  std::vector<FileDigest> digests;
  digests.reserve(blocks_.size());
  for (std::uint64_t number = 0; number < blocks_.size(); ++number) {
    // Those of zeros never came, and the last one may have another length by now.
    if (blocks_[number].bytes != bytes_of(number, bytes) && !read_back(number, bytes)) return kIoError;
    digests.push_back(blocks_[number].digest);
  }
  loose_.clear(), loose_bytes_ = 0;
  return digest_of(digests);
}

std::chrono::milliseconds time_to_finish(std::uint64_t bytes) {
  return kMoveAnswerMax + std::chrono::seconds(bytes / kCopyKeptPerSecondMin);
}

}  // namespace kontor::actors
