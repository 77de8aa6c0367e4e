#include "cmd/kontor/serve/key_file.hpp"

#include <cerrno>
#include <cstring>
#include <set>
#include <variant>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/kontor/serve/fields.hpp"
#include "cmd/kontor/serve/strict_json.hpp"

namespace kontor::cmd::serve {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr int kVersion = 1;
constexpr mode_t kOthers = S_IRWXG | S_IRWXO;
constexpr std::size_t kRoleBytesMax = 16;

Error fail(Errc code, std::string words, std::string* explanation) {
  if (explanation) *explanation = std::move(words);
  return {code, "keys"};
}
Error fail_io(const char* what, const fs::path& path, std::string* explanation) {
  return fail(Errc::io_error, std::string(what) + " " + path.string() + ": " + std::strerror(errno), explanation);
}

/// Closes at its end.
struct Descriptor {
  explicit Descriptor(int opened) : number(opened) {}
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  const int number;
};

std::string hex_of(const SecretHash& hash) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : hash) text.append({kDigits[byte >> 4], kDigits[byte & 15]});
  return text;
}

SecretHash hash_in(Fields& fields) {
  SecretHash hash{};
  const std::string_view text = fields.text("sha256", 2 * hash.size());
  const auto value = [](char c) { return std::string_view("0123456789abcdef").find(c); };
  bool good = text.size() == 2 * hash.size();
  for (std::size_t i = 0; good && i < hash.size(); ++i) {
    const std::size_t high = value(text[2 * i]), low = value(text[2 * i + 1]);
    good = high < 16 && low < 16;
    if (good) hash[i] = static_cast<unsigned char>(high << 4 | low);
  }
  if (!good) fields.refusal().set(Errc::invalid_argument, fields.pointer_to("sha256"), "is no hash");
  return hash;
}

ApiKey key_in(Fields& fields) {
  ApiKey key;
  const auto wrong = [&](const char* name, const char* what) {
    fields.refusal().set(Errc::invalid_argument, fields.pointer_to(name), what);
  };
  key.id = fields.text("id", kKeyIdBytes);
  if (!is_key_id(key.id)) wrong("id", "is no key's id");
  const auto role = parse_role(fields.text("role", kRoleBytesMax));
  if (!role) wrong("role", "is no role");
  key.principal.role = role.value_or(Role::customer);
  if (key.principal.role != Role::admin) key.principal.account = fields.account("account");
  if (fields.has("name")) key.name = fields.text("name", kKeyNameBytesMax);
  if (!key.name.empty() && !is_name(key.name, kKeyNameBytesMax)) wrong("name", "has control characters");
  key.created_at_ns = fields.integer("created_at_ns", 0, std::numeric_limits<std::int64_t>::max());
  key.hash = hash_in(fields);
  fields.end();
  return key;
}

std::vector<ApiKey> keys_in(std::string_view text, Refusal& refusal) {
  std::vector<ApiKey> keys;
  auto parsed = parse_strict(text);
  if (auto* problem = std::get_if<Problem>(&parsed)) {
    refusal.set(std::move(*problem));
    return keys;
  }
  Fields fields(std::get<json::value>(parsed), {}, refusal);
  fields.integer("version", kVersion, kVersion);
  const json::array& elements = fields.list("keys", 0, kKeysMax);
  fields.end();
  std::set<std::string> ids;
  for (std::size_t i = 0; i < elements.size() && !refusal; ++i) {
    Fields members(elements[i], "/keys/" + std::to_string(i), refusal);
    keys.push_back(key_in(members));
    if (!ids.insert(keys.back().id).second)
      refusal.set(Errc::invalid_argument, members.pointer_to("id"), "is there twice");
  }
  return keys;
}

std::string text_of(const std::vector<ApiKey>& keys) {
  json::array elements;
  for (const ApiKey& key : keys) {
    json::object members{{"id", key.id}, {"role", to_string(key.principal.role)}};
    if (key.principal.role != Role::admin) members["account"] = key.principal.account.view();
    if (!key.name.empty()) members["name"] = key.name;
    members["created_at_ns"] = key.created_at_ns;
    members["sha256"] = hex_of(key.hash);
    elements.push_back(std::move(members));
  }
  return json::serialize(json::object{{"version", kVersion}, {"keys", std::move(elements)}}) + "\n";
}

Result<std::string> whole_file(const fs::path& path, std::string* explanation) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number < 0 && errno == ENOENT)
    return fail(Errc::not_found, "there is no file " + path.string(), explanation);
  if (file.number < 0) return fail_io("cannot open", path, explanation);
  struct stat status {};
  if (::fstat(file.number, &status) != 0) return fail_io("cannot read", path, explanation);
  if (!S_ISREG(status.st_mode)) return fail(Errc::incompatible_format, path.string() + " is no file", explanation);
  // Its hashes open nothing, but who may write it makes keys, and a file that is let stand open is soon written, too.
  if ((status.st_mode & kOthers) != 0)
    return fail(Errc::incompatible_format, path.string() + " may be used by others than its owner: chmod 600 it",
                explanation);
  std::string text(kKeyFileBytesMax + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(file.number, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_io("cannot read", path, explanation);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > kKeyFileBytesMax)
    return fail(Errc::incompatible_format,
                path.string() + " is longer than " + std::to_string(kKeyFileBytesMax) + " bytes", explanation);
  text.resize(size);
  return text;
}

/// Opened and locked: as long as it is, nobody else changes the keys. It becomes the file by its renaming, so whoever
/// waited for the lock finds that it is not the file beside any more, and begins anew. Left by a crash, it is taken
/// over.
int open_successor(const fs::path& path) {
  for (;;) {
    const int number = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    if (number < 0) return number;
    struct stat mine {
    }, there{};
    const bool locked = ::flock(number, LOCK_EX) == 0 && ::fstat(number, &mine) == 0;
    const bool same =
        locked && ::lstat(path.c_str(), &there) == 0 && mine.st_ino == there.st_ino && mine.st_dev == there.st_dev;
    if (same) return number;
    const int why = errno;
    ::close(number);
    errno = why;
    if (!locked && why != EINTR) return -1;
  }
}

bool write_all(int number, std::string_view text) {
  if (::ftruncate(number, 0) != 0 || ::fchmod(number, S_IRUSR | S_IWUSR) != 0) return false;
  while (!text.empty()) {
    const ssize_t written = ::write(number, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::fsync(number) == 0;
}

bool sync_directory(const fs::path& file) {
  const fs::path parent = file.parent_path();
  const Descriptor directory(::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return directory.number >= 0 && ::fsync(directory.number) == 0;
}

Result<std::string> edited_text(const fs::path& path, const EditKeys& edit, std::string* explanation) {
  auto keys = read_keys(path, explanation);
  if (!keys && keys.code() != Errc::not_found) return keys.error();
  std::vector<ApiKey> edited = keys ? std::move(*keys) : std::vector<ApiKey>();
  if (explanation) explanation->clear();
  if (const auto done = edit(edited); !done) return done.error();
  if (edited.size() > kKeysMax)
    return fail(Errc::too_large, "more than " + std::to_string(kKeysMax) + " keys: revoke some", explanation);
  std::string text = text_of(edited);
  Refusal refusal;  // What could not be read again, e.g. a name that is not UTF-8, is not written.
  keys_in(text, refusal);
  if (refusal)
    return fail(Errc::invalid_argument, refusal.problem().param + " " + refusal.problem().detail, explanation);
  return text;
}

}  // namespace

Result<std::vector<ApiKey>> read_keys(const fs::path& path, std::string* explanation) {
  const auto text = whole_file(path, explanation);
  if (!text) return text.error();
  Refusal refusal;
  auto keys = keys_in(*text, refusal);
  if (!refusal) return keys;
  const std::string place = refusal.problem().param.empty() ? "" : " at " + refusal.problem().param;
  return fail(Errc::incompatible_format,
              path.string() + " is no file of keys" + place + ": " + refusal.problem().detail, explanation);
}

Result<void> change_keys(const fs::path& path, const EditKeys& edit, std::string* explanation) {
  const fs::path successor = path.string() + ".new";
  const Descriptor file(open_successor(successor));
  if (file.number < 0) return fail_io("cannot open", successor, explanation);
  const auto text = edited_text(path, edit, explanation);
  if (!text) {
    ::unlink(successor.c_str());
    return text.error();
  }
  if (!write_all(file.number, *text)) {
    const Error error = fail_io("cannot write", successor, explanation);
    ::unlink(successor.c_str());
    return error;
  }
  if (::rename(successor.c_str(), path.c_str()) != 0) return fail_io("cannot replace", path, explanation);
  if (!sync_directory(path)) return fail_io("cannot sync the directory of", path, explanation);
  return {};
}

}  // namespace kontor::cmd::serve
