#include "bench/cluster/run.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>

#include <arpa/inet.h>
#include <boost/json.hpp>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/cluster/node.hpp"

namespace kontor::bench {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::size_t kMeetings = 4;  // Before the report; one more lets all go.

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }

/// A port of this machine that nobody listens on.
std::uint16_t free_port() {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool good = ::bind(descriptor, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                    ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ::close(descriptor);
  if (!good) fail("no free port");
  return ntohs(address.sin_port);
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

/// Processor seconds so far: of the whole machine, and of the nodes that have ended.
struct Processors {
  double busy_s = 0, all_s = 0, own_s = 0;
};
Processors processors() {
  Processors out;
  std::ifstream file("/proc/stat");
  std::string name;
  file >> name;
  const auto tick = static_cast<double>(::sysconf(_SC_CLK_TCK));
  double value = 0;
  for (int i = 0; i < 8 && file >> value; ++i) {
    out.all_s += value / tick;
    if (i != 3 && i != 4) out.busy_s += value / tick;  // Neither idle nor waiting for the disk.
  }
  rusage usage{};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  out.own_s = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
  return out;
}

/// The nodes of one measurement as processes; killed when something goes wrong.
class Nodes {
 public:
  Nodes(const Plan& plan, const fs::path& base, const fs::path& certificates) {
    Part part{plan, 0, {}, certificates, {}};
    for (std::size_t i = 0; i < plan.nodes && plan.nodes > 1; ++i)
      part.members.push_back({"node-" + std::to_string(i), "127.0.0.1", free_port()});
    for (part.number = 0; part.number < plan.nodes; ++part.number) {
      part.dir = base / ("node-" + std::to_string(part.number));
      start(part);
    }
  }
  Nodes(const Nodes&) = delete;
  Nodes& operator=(const Nodes&) = delete;
  ~Nodes() {
    for (const Child& child : children_) {
      if (child.pid > 0) ::kill(child.pid, SIGKILL), ::waitpid(child.pid, nullptr, 0);
      ::close(child.from), ::close(child.to);
    }
  }

  /// Lets all go on once all have come.
  void meet() {
    await(0, children_.size());
    release();
  }
  /// The same; the last one is frozen until all that drive have come.
  void meet_frozen(std::size_t drivers) {
    ::kill(children_.back().pid, SIGSTOP);
    await(0, drivers);
    ::kill(children_.back().pid, SIGCONT);
    await(drivers, children_.size());
    release();
  }
  std::vector<json::object> reports() {
    std::vector<json::object> out;
    for (const Child& child : children_) {
      std::string line;
      for (char byte = byte_of(child); byte != '\n'; byte = byte_of(child)) line += byte;
      out.push_back(json::parse(line).as_object());
    }
    return out;
  }
  void end() {
    for (Child& child : children_) {
      int status = 0;
      ::waitpid(std::exchange(child.pid, -1), &status, 0);
      if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) fail("a node did not end well");
    }
  }

 private:
  void await(std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i)
      if (byte_of(children_[i]) != '.') fail("a node broke off");
  }
  void release() {
    for (const Child& child : children_)
      if (::write(child.to, ".", 1) != 1) fail("a node is gone");
  }
  struct Child {
    pid_t pid = -1;
    int from = -1, to = -1;
  };

  /// Before any thread is started here: a fork takes along only the one that calls it.
  void start(Part part) {
    int up[2], down[2];
    if (::pipe2(up, O_CLOEXEC) != 0 || ::pipe2(down, O_CLOEXEC) != 0) fail("no pipe");
    part.to_parent = up[1], part.from_parent = down[0];
    const pid_t pid = ::fork();
    if (pid < 0) fail("no process");
    if (pid == 0) {
      ::prctl(PR_SET_PDEATHSIG, static_cast<unsigned long>(SIGKILL));
      ::close(up[0]), ::close(down[1]);
      for (const Child& other : children_) ::close(other.from), ::close(other.to);
      ::_exit(be_node(part));
    }
    ::close(up[1]), ::close(down[0]);
    children_.push_back({pid, up[0], down[1]});
  }
  static char byte_of(const Child& child) {
    char byte = 0;
    ssize_t got = 0;
    do got = ::read(child.from, &byte, 1);
    while (got < 0 && errno == EINTR);
    if (got != 1) fail("a node ended early");
    return byte;
  }

  std::vector<Child> children_;
};

Figures sum(const std::vector<json::object>& reports) {
  Figures out;
  double elapsed_s = 0, cpu_s = 0;
  for (const json::object& report : reports) {
    const auto of = [&](const char* name) { return report.at(name).to_number<double>(); };
    out.committed += of("committed"), out.refused += of("refused"), cpu_s += of("cpu_s");
    elapsed_s = std::max(elapsed_s, of("elapsed_s"));
    out.p50_us = std::max(out.p50_us, of("p50_us")), out.p99_us = std::max(out.p99_us, of("p99_us"));
    out.forced += of("forced"), out.records += of("records"), out.journal_bytes += of("journal_bytes");
    out.messages += of("messages"), out.frames += of("frames"), out.bytes += of("bytes");
  }
  if (out.committed == 0) fail("nothing was committed");
  out.per_s = out.committed / elapsed_s, out.cpu_us = cpu_s * 1e6 / out.committed;
  return out;
}

}  // namespace

Figures measure(const Plan& plan, const fs::path& base, const fs::path& certificates) {
  fs::remove_all(base);
  fs::create_directories(base);
  ::sync();  // What the last measurement left to be written must not slow this one.
  double load = 0;
  ::getloadavg(&load, 1);
  const Processors before = processors();
  Nodes nodes(plan, base, certificates);
  for (std::size_t i = 1; i < kMeetings; ++i) nodes.meet();
  plan.last_freezes ? nodes.meet_frozen(plan.drivers) : nodes.meet();
  Figures figures = sum(nodes.reports());
  nodes.meet();
  nodes.end();
  const Processors after = processors();
  figures.load_average = load;
  const double others_s = after.busy_s - before.busy_s - (after.own_s - before.own_s);
  figures.others = std::max(0.0, others_s / (after.all_s - before.all_s));
  fs::remove_all(base);
  return figures;
}

}  // namespace kontor::bench
