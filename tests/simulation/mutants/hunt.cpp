#include "tests/simulation/mutants/hunt.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <system_error>
#include <vector>

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/simulation/seed_run.hpp"

namespace kontor::sim {
namespace {

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

/// What the child says, readable when it is dead.
struct Notes {
  std::uint64_t runs, unsound;
  bool found;
  char failure[512];
};

class Shared {
 public:
  Shared() {
    void* const memory = ::mmap(nullptr, sizeof(Notes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) fail("mmap");
    notes_ = static_cast<Notes*>(memory);
  }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  ~Shared() { ::munmap(notes_, sizeof(Notes)); }
  Notes* operator->() { return notes_; }

 private:
  Notes* notes_;
};

/// The search and the seed of one run: searches take turns.
struct Run {
  const Arguments& search;
  std::uint64_t seed;
  Options options() const { return expand(seed, search.protocol, search.overrides); }
};
Run run_number(const std::vector<Arguments>& searches, std::uint64_t number) {
  return {searches[number % searches.size()], 1 + number / searches.size()};
}

void search(testing::Puppets& puppets, const std::vector<Arguments>& searches, double cpu_seconds_max, Notes& notes) {
  const int mutant = planted;
  while (static_cast<double>(std::clock()) / CLOCKS_PER_SEC < cpu_seconds_max) {
    const Options options = run_number(searches, notes.runs).options();
    Counters unused;
    const std::string failure = run_seed(puppets, options, unused).failure;
    ++notes.runs;
    if (failure.empty()) continue;
    planted = 0;
    const bool sound = run_seed(puppets, options, unused).failure.empty();
    planted = mutant;
    if (!sound) {
      ++notes.unsound;
      continue;
    }
    std::snprintf(notes.failure, sizeof notes.failure, "%s", failure.c_str());
    notes.found = true;
    return;
  }
}

/// What the assertion said, without the file and the function.
std::string assertion_in(std::FILE* file) {
  char text[2'048] = {};
  std::rewind(file);
  const std::size_t size = std::fread(text, 1, sizeof text - 1, file);
  const std::string_view all(text, size);
  const auto begin = all.rfind("Assertion `"), end = all.find("' failed", begin == all.npos ? 0 : begin);
  if (begin == all.npos || end == all.npos) return "the process died";
  const auto first = begin + std::strlen("Assertion `");
  return "assertion: " + std::string(all.substr(first, end - first));
}

}  // namespace

Hunted hunt(testing::Puppets& puppets, const Mutant& mutant, double cpu_seconds_max) {
  std::vector<Arguments> searches;
  for (const std::string_view text : mutant.searches) searches.push_back(arguments_in(text));
  Shared notes;
  std::FILE* const words = std::tmpfile();
  if (!words) fail("tmpfile");
  planted = static_cast<int>(&mutant - mutants().data()) + 1;
  const pid_t child = ::fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);
    ::dup2(::fileno(words), STDERR_FILENO);
    search(puppets, searches, cpu_seconds_max, *notes.operator->());
    ::_exit(0);
  }
  planted = 0;
  int status = 0;
  rusage usage{};
  if (::wait4(child, &status, 0, &usage) < 0) fail("wait4");
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };

  Hunted out{notes->found, notes->runs, notes->unsound, seconds(usage.ru_utime) + seconds(usage.ru_stime), {}, {}};
  if (WIFSIGNALED(status)) {
    const Run last = run_number(searches, notes->runs++);
    out.seeds = notes->runs;
    out.found = try_seed(puppets, last.options()) == Trial::passes;
    out.by = assertion_in(words);
  } else if (out.found) {
    const std::string_view failure(notes->failure);
    out.by = failure.substr(0, failure.find('\n'));
  }
  std::fclose(words);
  if (!out.found) return out;
  const Run last = run_number(searches, out.seeds - 1);
  out.again = reproduction(last.seed, last.search.protocol, last.search.overrides, mutant.name);
  return out;
}

}  // namespace kontor::sim
