#include "persistence/structure_check.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "persistence/lmdb_format.hpp"
#include "persistence/read_only_file.hpp"
#include "persistence/record.hpp"

// The walk trusts nothing: every number is compared with a bound before it is used, every page is claimed in a bitmap
// before it is entered (so no cycle), and no path is deeper than LMDB's own stack. What the tree cannot show, a bit of
// a key or of a value's size, is checked against the record: its header names the key and the size (record.hpp).
//
// Two facts of LMDB are used beyond the layout. A commit never overwrites a page of the last two snapshots, so the
// older meta's trees are intact even after a crash. And each commit but the first replaces the root of the names, so
// the free list of snapshot t ends with the key t: a damaged transaction number that still fits its twin's is found.

namespace kontor::persistence {
namespace {

using namespace lmdb;

constexpr std::size_t kFaultsMax = 64;      // Enough to see the pattern; a wrecked file would give millions.
constexpr std::uint64_t kWindowPages = 32;  // Read at once where pages follow each other.

enum class Content : std::uint8_t { free_list, names, journal, table };

/// What a database of this name holds; nothing if Kontor has no such database.
std::optional<Content> content_of(std::string_view name) {
  for (std::size_t i = 0; i < kStreams; ++i)
    if (name == to_string(static_cast<Stream>(i))) return Content::journal;
  for (std::size_t i = 0; i < kTables; ++i)
    if (name == to_string(static_cast<Table>(i))) return Content::table;
  return std::nullopt;
}

/// One database during its walk: what its record says, and what was counted.
struct Tree {
  std::string name;
  Content content;
  DbRecord record;
  std::uint64_t branch_pages = 0, leaf_pages = 0, overflow_pages = 0, entries = 0;

  bool integer_keys() const { return content == Content::free_list || content == Content::journal; }
};

/// One node of a page whose layout was found right.
struct Node {
  NodeHeader header;
  std::string_view key;
  const char* value = nullptr;  ///< Of a leaf: the bytes or, in a big node, the overflow page's number.
};

int compare(const Tree& tree, std::string_view a, std::string_view b) {
  if (!tree.integer_keys()) return a.compare(b);  // As mdb_cmp_memn: bytes, then length.
  const auto x = load<std::uint64_t>(a.data());
  const auto y = load<std::uint64_t>(b.data());
  return x < y ? -1 : x > y;
}

class Checker {
 public:
  Checker(const ReadOnlyFile& file, StructureReport& report) : file_(file), report_(report) {}

  void run() {
    if (!read_metas() || !check_metas()) return;
    const MetaRecord& meta = metas_[newest_];
    claimed_.assign((std::min(meta.last_page, file_pages_) >> 6) + 1, 0);
    Tree free_list{"free list", Content::free_list, meta.free_list};
    Tree names{"names", Content::names, meta.names};
    walk(free_list);
    walk(names);
    for (Tree& tree : databases_) walk(tree);
    check_all_accounted();
    for (std::size_t i = 0; i < metas_.size(); ++i) check_last_free_key(i);
  }

 private:
  using Bound = std::optional<std::string_view>;

  void fault(std::string text) {
    if (report_.faults.size() < kFaultsMax) report_.faults.push_back(std::move(text));
  }
  void page_fault(std::uint64_t page, std::string_view text) {
    fault("page " + std::to_string(page) + ": " + std::string(text));
  }
  void tree_fault(const Tree& tree, std::string_view text) {
    fault("database " + tree.name + ": " + std::string(text));
  }

  // --- Meta pages.

  bool read_metas();
  bool check_metas();
  bool check_meta(std::size_t index);
  void check_last_free_key(std::size_t index);
  std::optional<std::uint64_t> last_free_key(const MetaRecord& meta);

  // --- Pages.

  char* buffer(std::size_t level) {
    std::vector<char>& bytes = buffers_[level];
    if (bytes.empty()) bytes.resize(page_size_);
    return bytes.data();
  }
  bool read_page(std::uint64_t page, char* to);
  bool claim(std::uint64_t page, std::uint64_t count);
  void claim_free(std::uint64_t page);
  void check_all_accounted();
  bool check_header(std::uint64_t page, const char* bytes, std::uint16_t flags);
  bool check_nodes(std::uint64_t page, const char* bytes, const Tree& tree, bool leaf);
  bool check_tiling(const PageHeader& header, std::size_t nodes) const;
  bool check_keys(std::uint64_t page, const char* bytes, const Tree& tree, bool leaf, Bound from, Bound until);
  Node node(const char* bytes, std::size_t index) const;

  // --- Trees.

  void walk(Tree& tree);
  void walk_page(Tree& tree, std::uint64_t page, std::uint16_t level, Bound from, Bound until);
  void check_value(Tree& tree, std::uint64_t page, const Node& node);
  bool check_overflow(Tree& tree, std::uint64_t leaf, const Node& node, std::uint64_t* first);
  void check_database(std::uint64_t page, const Node& node);
  void check_record(const Tree& tree, std::uint64_t page, const Node& node, const char* head);
  void check_free_pages(std::uint64_t page, const Node& node, const char* list);

  const ReadOnlyFile& file_;
  StructureReport& report_;
  std::uint32_t page_size_ = 0;
  std::uint64_t file_pages_ = 0;
  std::array<MetaRecord, kMetaPages> metas_;
  std::size_t newest_ = 0;
  std::vector<Tree> databases_;
  std::vector<std::uint64_t> claimed_;        // One bit a page of the file.
  std::vector<std::uint64_t> free_past_end_;  // LMDB never wrote these: taken and freed in one transaction.
  std::uint64_t claimed_count_ = 0;
  std::array<std::vector<char>, kDepthMax + 1u> buffers_;  // By level: bounds of a child point into its parents.
  std::vector<char> window_, overflow_;
  std::uint64_t window_first_ = 0, window_pages_ = 0;
  std::vector<std::uint16_t> node_sizes_;  // By half the node's offset; zero between calls.
};

bool Checker::read_metas() {
  constexpr std::size_t kBytes = sizeof(PageHeader) + sizeof(MetaRecord);
  std::array<char, kBytes> bytes;
  for (std::size_t i = 0; i < metas_.size(); ++i) {
    if (!file_.read(i * page_size_, bytes.data(), kBytes)) return page_fault(i, "the meta page cannot be read"), false;
    const auto header = load<PageHeader>(bytes.data());
    metas_[i] = load<MetaRecord>(bytes.data() + sizeof header);
    if (header.number != i || header.flags != kMetaPage) return page_fault(i, "is not a meta page"), false;
    if (metas_[i].magic != kMagic) return page_fault(i, "the meta page lacks LMDB's magic number"), false;
    if (metas_[i].version != kVersion) return page_fault(i, "the meta page has an unknown format version"), false;
    const std::uint32_t size = metas_[i].free_list.pad;
    const bool possible = size >= kPageBytesMin && size <= kPageBytesMax && (size & (size - 1)) == 0;
    if (!possible || (i > 0 && size != page_size_)) return page_fault(i, "the page size is wrong"), false;
    page_size_ = size;
  }
  file_pages_ = file_.size() / page_size_;
  node_sizes_.resize(page_size_ / 2);
  return true;
}

bool Checker::check_metas() {
  const bool fresh = metas_[0].transaction == 0 && metas_[1].transaction == 0;
  newest_ = metas_[1].transaction > metas_[0].transaction ? 1 : 0;
  const MetaRecord& newer = metas_[newest_];
  const MetaRecord& older = metas_[1 - newest_];
  if (!fresh) {
    if (newer.transaction != older.transaction + 1)
      return fault("pages 0 and 1: the transaction numbers of the meta pages do not follow each other"), false;
    if ((newer.transaction & 1) != newest_)
      return fault("pages 0 and 1: the transaction numbers of the meta pages are on the wrong pages"), false;
    if (older.last_page > newer.last_page)
      return fault("pages 0 and 1: the last page of the newer meta page is before the older's"), false;
  }
  report_.pages = kMetaPages;
  return check_meta(0) && check_meta(1);
}

bool Checker::check_meta(std::size_t index) {
  const MetaRecord& meta = metas_[index];
  if (meta.address != 0) return page_fault(index, "the meta page asks for a fixed address"), false;
  if ((meta.free_list.flags & ~kMadeAsFile) != kIntegerKeys || meta.names.flags != 0)
    return page_fault(index, "the meta page has unknown flags"), false;
  if (meta.last_page < kMetaPages - 1 || meta.last_page >= meta.map_size / page_size_)
    return page_fault(index, "the last page is outside the map"), false;
  for (const DbRecord* tree : {&meta.free_list, &meta.names}) {
    const bool rooted = tree->root >= kMetaPages && tree->root <= meta.last_page && tree->depth > 0;
    const bool empty = tree->root == kNoPage && tree->depth == 0;
    if ((!rooted && !empty) || tree->depth > kDepthMax) return page_fault(index, "a root is outside the file"), false;
  }
  const bool first = meta.transaction == 0;
  const bool pristine =
      meta.last_page == kMetaPages - 1 && meta.names.root == kNoPage && meta.free_list.root == kNoPage;
  if (first && !pristine) return page_fault(index, "the meta page has contents but no transaction number"), false;
  return true;
}

void Checker::check_last_free_key(std::size_t index) {
  const MetaRecord& meta = metas_[index];
  const std::optional<std::uint64_t> last = last_free_key(meta);
  if (!last) return page_fault(index, "the free list of this meta page cannot be followed");
  if (*last == meta.transaction || (meta.transaction == 1 && *last == 0)) return;
  page_fault(index, "transaction " + std::to_string(meta.transaction) + ", but its free list is of transaction " +
                        std::to_string(*last));
}

std::optional<std::uint64_t> Checker::last_free_key(const MetaRecord& meta) {
  if (meta.free_list.root == kNoPage) return 0;
  const Tree tree{"free list", Content::free_list, meta.free_list};
  std::uint64_t page = meta.free_list.root;
  for (std::uint16_t level = 1;; ++level) {
    const bool leaf = level == meta.free_list.depth;
    char* bytes = buffer(level);
    if (page < kMetaPages || page > meta.last_page || !read_page(page, bytes)) return std::nullopt;
    if (!check_header(page, bytes, leaf ? kLeafPage : kBranchPage) || !check_nodes(page, bytes, tree, leaf))
      return std::nullopt;
    const Node last = node(bytes, (load<PageHeader>(bytes).lower - sizeof(PageHeader)) / 2 - 1);
    if (leaf) return load<std::uint64_t>(last.key.data());
    page = last.header.child();
  }
}

bool Checker::read_page(std::uint64_t page, char* to) {
  if (page >= file_pages_) return page_fault(page, "lies behind the end of the file"), false;
  if (page - window_first_ >= window_pages_) {
    // Journals grow page by page: where one page follows another, more are likely to.
    const bool follows = page == window_first_ + window_pages_;
    window_first_ = page;
    window_pages_ = follows ? std::min(kWindowPages, file_pages_ - page) : 1;
    window_.resize(kWindowPages * page_size_);
    if (!file_.read(page * page_size_, window_.data(), window_pages_ * page_size_)) {
      window_pages_ = 0;
      return page_fault(page, "cannot be read"), false;
    }
  }
  std::memcpy(to, window_.data() + (page - window_first_) * page_size_, page_size_);
  return true;
}

/// Takes pages for a tree. False: they are not its own, nothing may be followed.
bool Checker::claim(std::uint64_t page, std::uint64_t count) {
  const std::uint64_t last = metas_[newest_].last_page;
  if (page < kMetaPages || page > last || count > last - page + 1)
    return page_fault(page, "a pointer leads outside the used part of the file"), false;
  if (page + count > file_pages_) return page_fault(page, "the file is cut off before the end of this page"), false;
  for (std::uint64_t p = page; p < page + count; ++p) {
    const std::uint64_t bit = std::uint64_t{1} << (p & 63);
    if ((claimed_[p >> 6] & bit) != 0) return page_fault(p, "is used twice, or used and free"), false;
    claimed_[p >> 6] |= bit;
    ++claimed_count_;
  }
  return true;
}

void Checker::claim_free(std::uint64_t page) {
  if (page >= file_pages_ && page <= metas_[newest_].last_page) {
    free_past_end_.push_back(page);
  } else if (!claim(page, 1)) {
    return;
  }
  ++report_.free_pages;
}

void Checker::check_all_accounted() {
  std::sort(free_past_end_.begin(), free_past_end_.end());
  if (std::adjacent_find(free_past_end_.begin(), free_past_end_.end()) != free_past_end_.end())
    fault("free list: a page behind the end of the file is named twice");
  report_.pages = kMetaPages + claimed_count_ + free_past_end_.size();
  const std::uint64_t last = metas_[newest_].last_page;
  if (report_.pages == last + 1) return;
  for (std::uint64_t p = kMetaPages; p <= last && p < file_pages_; ++p)
    if ((claimed_[p >> 6] >> (p & 63) & 1) == 0) return page_fault(p, "is neither used nor free (the first such page)");
  fault("the file is cut off: its last page should be " + std::to_string(last));
}

bool Checker::check_header(std::uint64_t page, const char* bytes, std::uint16_t flags) {
  const auto header = load<PageHeader>(bytes);
  if (header.number != page) return page_fault(page, "names itself page " + std::to_string(header.number)), false;
  if (header.flags == flags) return true;
  const bool want_leaf = flags == kLeafPage;
  page_fault(page, want_leaf ? "should be a leaf page and is not" : "should be a branch page and is not");
  return false;
}

/// Offsets and sizes: every node inside the page, the nodes side by side from `upper` to the page's end.
bool Checker::check_nodes(std::uint64_t page, const char* bytes, const Tree& tree, bool leaf) {
  const auto header = load<PageHeader>(bytes);
  const bool ordered = header.lower >= sizeof(PageHeader) && header.lower <= header.upper && header.upper <= page_size_;
  if (!ordered || ((header.lower | header.upper) & 1) != 0)
    return page_fault(page, "the bounds of its free space are wrong"), false;
  const std::size_t nodes = (header.lower - sizeof(PageHeader)) / 2;
  // LMDB asserts two children of a branch, except in the free list.
  const std::size_t nodes_min = leaf || tree.content == Content::free_list ? 1 : 2;
  if (nodes < nodes_min) return page_fault(page, "has too few nodes"), false;
  bool sound = true;
  for (std::size_t i = 0; i < nodes && sound; ++i) {
    const auto at = load<std::uint16_t>(bytes + sizeof(PageHeader) + 2 * i);
    sound = (at & 1) == 0 && at >= header.upper && at + sizeof(NodeHeader) <= page_size_ && node_sizes_[at / 2] == 0;
    if (!sound) break;
    const auto node = load<NodeHeader>(bytes + at);
    std::uint64_t size = sizeof node + node.key_size;
    if (leaf) size += (node.flags & kBigNode) != 0 ? sizeof(std::uint64_t) : node.value_size();
    size += size & 1;
    sound = at + size <= page_size_ && node.key_size <= kKeyBytesMax;
    if (sound) node_sizes_[at / 2] = static_cast<std::uint16_t>(size);
  }
  sound = sound && check_tiling(header, nodes);
  std::fill(node_sizes_.begin(), node_sizes_.end(), std::uint16_t{0});
  if (!sound) page_fault(page, "a node's offset or size is wrong");
  return sound;
}

bool Checker::check_tiling(const PageHeader& header, std::size_t nodes) const {
  std::size_t seen = 0;
  std::uint32_t at = header.upper;
  while (at < page_size_ && node_sizes_[at / 2] != 0) {
    at += node_sizes_[at / 2];
    ++seen;
  }
  return at == page_size_ && seen == nodes;
}

Node Checker::node(const char* bytes, std::size_t index) const {
  const char* at = bytes + load<std::uint16_t>(bytes + sizeof(PageHeader) + 2 * index);
  Node node{load<NodeHeader>(at), {}, nullptr};
  node.key = {at + sizeof node.header, node.header.key_size};
  node.value = node.key.data() + node.key.size();
  return node;
}

/// Keys: of the right size, ascending, not below `from`, below `until`. The first key of a branch has no meaning.
bool Checker::check_keys(std::uint64_t page, const char* bytes, const Tree& tree, bool leaf, Bound from, Bound until) {
  const std::size_t nodes = (load<PageHeader>(bytes).lower - sizeof(PageHeader)) / 2;
  Bound previous;
  for (std::size_t i = leaf ? 0 : 1; i < nodes; ++i) {
    const std::string_view key = node(bytes, i).key;
    if (tree.integer_keys() ? key.size() != sizeof(std::uint64_t) : key.empty())
      return page_fault(page, "a key has the wrong size"), false;
    if (previous ? compare(tree, *previous, key) >= 0 : from && compare(tree, *from, key) > 0)
      return page_fault(page, "keys are out of order"), false;
    previous = key;
  }
  if (previous && until && compare(tree, *previous, *until) >= 0)
    return page_fault(page, "a key is beyond the range of its parent"), false;
  return true;
}

void Checker::walk(Tree& tree) {
  const DbRecord& record = tree.record;
  if (record.depth > kDepthMax || (record.root == kNoPage) != (record.depth == 0))
    return tree_fault(tree, "its depth is wrong");
  if (record.root != kNoPage) walk_page(tree, record.root, 1, std::nullopt, std::nullopt);
  const bool counted = tree.branch_pages == record.branch_pages && tree.leaf_pages == record.leaf_pages &&
                       tree.overflow_pages == record.overflow_pages && tree.entries == record.entries;
  if (!counted) tree_fault(tree, "its counts of pages and entries are not what was found");
  report_.branch_pages += tree.branch_pages;
  report_.leaf_pages += tree.leaf_pages;
  report_.overflow_pages += tree.overflow_pages;
}

void Checker::walk_page(Tree& tree, std::uint64_t page, std::uint16_t level, Bound from, Bound until) {
  const bool leaf = level == tree.record.depth;
  char* bytes = buffer(level);
  if (!claim(page, 1) || !read_page(page, bytes)) return;
  if (!check_header(page, bytes, leaf ? kLeafPage : kBranchPage)) return;
  if (!check_nodes(page, bytes, tree, leaf) || !check_keys(page, bytes, tree, leaf, from, until)) return;

  const std::size_t nodes = (load<PageHeader>(bytes).lower - sizeof(PageHeader)) / 2;
  if (leaf) {
    ++tree.leaf_pages;
    tree.entries += nodes;
    for (std::size_t i = 0; i < nodes; ++i) check_value(tree, page, node(bytes, i));
    return;
  }
  ++tree.branch_pages;
  for (std::size_t i = 0; i < nodes; ++i) {
    const Node child = node(bytes, i);
    const Bound low = i == 0 ? from : Bound(child.key);
    const Bound high = i + 1 == nodes ? until : Bound(node(bytes, i + 1).key);
    walk_page(tree, child.header.child(), static_cast<std::uint16_t>(level + 1), low, high);
  }
}

void Checker::check_value(Tree& tree, std::uint64_t page, const Node& node) {
  if (tree.content == Content::names) return check_database(page, node);
  if ((node.header.flags & ~kBigNode) != 0) return page_fault(page, "a node has unknown flags");
  const bool big = node.header.flags == kBigNode;
  const bool whole = tree.content == Content::free_list;
  const char* head = node.value;
  if (big) {
    std::uint64_t first = 0;
    if (!check_overflow(tree, page, node, &first)) return;
    // Of a record only the header is read; what follows has the record's checksum.
    const std::size_t size = whole ? node.header.value_size() : sizeof(RecordHeader);
    overflow_.resize(std::max(overflow_.size(), size));
    if (!file_.read(first * page_size_ + sizeof(PageHeader), overflow_.data(), size))
      return page_fault(first, "cannot be read");
    head = overflow_.data();
  }
  if (whole) return check_free_pages(page, node, head);
  check_record(tree, page, node, head);
}

/// The pages of a value outside its leaf. LMDB may keep more pages than the value needs, never fewer.
bool Checker::check_overflow(Tree& tree, std::uint64_t leaf, const Node& node, std::uint64_t* first) {
  *first = load<std::uint64_t>(node.value);
  std::array<char, sizeof(PageHeader)> bytes;
  if (*first < kMetaPages || *first >= file_pages_ || !file_.read(*first * page_size_, bytes.data(), bytes.size()))
    return page_fault(leaf, "a pointer to an overflow page leads outside the file"), false;
  const auto header = load<PageHeader>(bytes.data());
  const std::uint64_t needed = (sizeof header - 1 + node.header.value_size()) / page_size_ + 1;
  if (header.number != *first || header.flags != kOverflowPage)
    return page_fault(*first, "should be an overflow page and is not"), false;
  if (header.overflow_count() < needed) return page_fault(*first, "has too few pages for its value"), false;
  if (!claim(*first, header.overflow_count())) return false;
  tree.overflow_pages += header.overflow_count();
  return true;
}

void Checker::check_database(std::uint64_t page, const Node& node) {
  if (node.header.flags != kDatabaseNode || node.header.value_size() != sizeof(DbRecord))
    return page_fault(page, "an entry of the names is not a database");
  const std::optional<Content> content = content_of(node.key);
  if (!content) return page_fault(page, "names a database that Kontor does not have");
  Tree tree{std::string(node.key), *content, load<DbRecord>(node.value)};
  if (tree.record.flags != (tree.integer_keys() ? kIntegerKeys : 0)) return tree_fault(tree, "it has unknown flags");
  databases_.push_back(std::move(tree));
}

void Checker::check_record(const Tree& tree, std::uint64_t page, const Node& node, const char* head) {
  const std::uint64_t size = node.header.value_size();
  if (size < sizeof(RecordHeader)) return page_fault(page, "a value is shorter than a record's header");
  const auto header = load<RecordHeader>(head);
  if (sizeof header + header.size != size) return page_fault(page, "a value's size is not its record's");
  const bool journal = tree.content == Content::journal;
  if (header.key != (journal ? load<std::uint64_t>(node.key.data()) : table_key_hash(node.key)))
    page_fault(page, "a record does not belong to its key");
}

void Checker::check_free_pages(std::uint64_t page, const Node& node, const char* list) {
  const auto key = load<std::uint64_t>(node.key.data());
  if (key == 0 || key > metas_[newest_].transaction) return page_fault(page, "free pages of an unknown transaction");
  const std::uint64_t words = node.header.value_size() / sizeof(std::uint64_t);
  const std::uint64_t length = words == 0 ? 1 : load<std::uint64_t>(list);
  if (length >= words) return page_fault(page, "a list of free pages has the wrong length");
  std::uint64_t previous = kNoPage;
  for (std::uint64_t i = 1; i <= length; ++i) {
    const auto free = load<std::uint64_t>(list + i * sizeof(std::uint64_t));
    if (free >= previous) return page_fault(page, "a list of free pages is not in order");
    claim_free(free);
    previous = free;
  }
}

}  // namespace

StructureReport check_structure(const std::filesystem::path& data_mdb) {
  StructureReport report;
  const ReadOnlyFile file(data_mdb);
  if (file.error() != 0) {
    report.faults.push_back("the file cannot be read: " + std::string(std::strerror(file.error())));
    return report;
  }
  Checker(file, report).run();
  return report;
}

}  // namespace kontor::persistence
