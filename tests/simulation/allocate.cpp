// `operator new` of the simulator. A run is one thread that makes and drops small objects all the time, a fifth of
// whose time would go to the general allocator. Here each size has a list of free blocks, and nothing goes back to the
// system. Not with sanitizers, which watch over the memory themselves.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

#include <sys/mman.h>

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {

constexpr std::size_t kGrainBytes = 16;  // Sizes are rounded up to it: what `operator new` must align to.
constexpr std::size_t kSmallBytesMax = 1'024;
constexpr unsigned kSpanBits = 16;  // A span is cut into blocks of one size, so that a block's address tells its size.
constexpr std::size_t kSpanBytes = std::size_t{1} << kSpanBits;
constexpr std::size_t kSpans = 1 << 16;  // 4 GiB of addresses; memory only where it is written to.
constexpr std::size_t kClasses = kSmallBytesMax / kGrainBytes + 1;

static_assert(__STDCPP_DEFAULT_NEW_ALIGNMENT__ <= kGrainBytes);

struct Free {
  Free* next;
};

/// Of one thread: a block that another thread frees is that thread's from then on, so nothing is shared but addresses.
struct Lists {
  std::array<Free*, kClasses> free{};
};
constinit thread_local Lists lists;

constinit char* first = nullptr;
constinit std::size_t spans_used = 0;
constinit std::array<std::uint8_t, kSpans> class_of_span{};
constinit bool tried = false;
constinit thread_local bool own = false;  // Only the first thread cuts spans.

void* general(std::size_t bytes) {
  while (true) {
    if (void* memory = std::malloc(bytes)) return memory;
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) throw std::bad_alloc();
    handler();
  }
}

bool reserve() {
  if (tried) return first != nullptr && own;
  tried = own = true;
  void* const memory =
      ::mmap(nullptr, kSpans * kSpanBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return false;
  first = static_cast<char*>(memory);
  return true;
}

/// Cuts one more span into blocks of this class. Without one the general allocator serves.
[[gnu::noinline]] void* from_new_span(std::size_t chosen) {
  const std::size_t bytes = chosen * kGrainBytes;
  if (!reserve() || spans_used == kSpans) return general(bytes);
  class_of_span[spans_used] = static_cast<std::uint8_t>(chosen);
  char* const span = first + spans_used++ * kSpanBytes;
  Free*& list = lists.free[chosen];
  for (std::size_t blocks = kSpanBytes / bytes; blocks-- > 1;) {  // The lowest is on top.
    auto* block = reinterpret_cast<Free*>(span + blocks * bytes);
    block->next = list;
    list = block;
  }
  return span;
}

}  // namespace

void* operator new(std::size_t bytes) {
  if (bytes > kSmallBytesMax) return general(bytes);
  const std::size_t chosen = bytes == 0 ? 1 : (bytes + kGrainBytes - 1) / kGrainBytes;
  Free*& list = lists.free[chosen];
  Free* const block = list;
  if (block == nullptr) return from_new_span(chosen);
  list = block->next;
  return block;
}

void operator delete(void* memory) noexcept {
  const std::size_t offset = reinterpret_cast<std::uintptr_t>(memory) - reinterpret_cast<std::uintptr_t>(first);
  if (first == nullptr || offset >= kSpans * kSpanBytes) return std::free(memory);
  Free*& list = lists.free[class_of_span[offset >> kSpanBits]];
  auto* block = static_cast<Free*>(memory);
  block->next = list;
  list = block;
}
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }

#endif
