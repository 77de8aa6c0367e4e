#include "cmd/kontor/demo/demo.hpp"

#include <random>

#include <boost/json.hpp>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/kontor/child.hpp"
#include "cmd/kontor/exit_codes.hpp"
#include "cmd/kontor/figures.hpp"

namespace kontor::cmd {
namespace {

using Clock = std::chrono::steady_clock;
namespace json = boost::json;

constexpr std::size_t kLegs = 3;
constexpr std::chrono::milliseconds kLookEvery{50};
constexpr std::chrono::seconds kStartMax{60};  // To open and to seed; then something hangs.
constexpr std::chrono::seconds kEndMax{60};    // To answer what is in flight and to close.

double seconds_since(Clock::time_point then) { return std::chrono::duration<double>(Clock::now() - then).count(); }

/// A file in memory: it survives the child that writes it, and writing it does not disturb the disk that is measured.
class Notebook {
 public:
  Notebook() : fd_(::memfd_create("kontor-answered", 0)) {}
  Notebook(const Notebook&) = delete;
  Notebook& operator=(const Notebook&) = delete;
  ~Notebook() { ::close(fd_); }
  int fd() const { return fd_; }
  std::uint64_t entries() const {
    struct stat status {};
    return ::fstat(fd_, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) / sizeof(Answered) : 0;
  }

 private:
  int fd_;
};

RecoveryReport recovery_of(const json::object& words) {
  RecoveryReport recovery;
  const auto number = [&](const char* name) { return words.at(name).to_number<std::uint64_t>(); };
  recovery.records = number("records");
  recovery.transactions = number("transactions");
  recovery.committed = number("committed");
  recovery.aborted = number("aborted");
  recovery.in_doubt = number("in_doubt");
  recovery.seconds = words.at("seconds").to_number<double>();
  return recovery;
}

class Demo {
 public:
  using OnProgress = std::function<void(const std::string&)>;
  Demo(const DemoOptions& options, const OnProgress& on_progress, const std::atomic<bool>& stop, DemoReport& report,
       DemoFailure& failure)
      : options_(options), on_progress_(on_progress), stop_(stop), report_(report), failure_(failure) {}

  bool run() {
    const auto start = Clock::now();
    for (std::size_t i = 0; i < kLegs; ++i)
      if (!run_leg(i)) return false;
    const bool done = verify() && audit();
    report_.seconds = seconds_since(start);
    return done;
  }

 private:
  bool fail(int exit_code, std::string explanation) {
    failure_ = {exit_code, std::move(explanation)};
    return false;
  }

  std::vector<std::string> arguments(const Leg& leg, int fd) const {
    const WorkloadOptions& load = options_.workload;
    // The killed ones are to be killed in mid-flow: they are told to go on for much longer.
    const auto duration_ms =
        std::chrono::ceil<std::chrono::milliseconds>(options_.leg * (leg.killed ? 100 : 1)).count();
    return {"load",
            "--data",
            options_.dir.string(),
            "--duration",
            std::to_string(duration_ms) + "ms",
            "--outstanding",
            std::to_string(options_.outstanding),
            "--skus",
            std::to_string(load.skus),
            "--customers",
            std::to_string(load.customers),
            "--shards",
            std::to_string(options_.shards),
            "--seed",
            std::to_string(load.seed),
            "--run",
            std::to_string(leg.run),
            "--answered-fd",
            std::to_string(fd),
            "--events",
            "--json",
            "--no-audit",
            "--die-with-parent"};
  }

  bool run_leg(std::size_t number) {
    Leg& leg = report_.legs.emplace_back();
    leg.run = random_();
    leg.killed = number + 1 < kLegs;
    const std::string name = "run " + std::to_string(number + 1) + " of " + std::to_string(kLegs);
    const Notebook notebook;
    auto child = notebook.fd() >= 0 ? Child::start("/proc/self/exe", arguments(leg, notebook.fd())) : std::nullopt;
    if (!child) return fail(kExitCannotCreate, "cannot start a child process");
    const bool done = await_driving(*child, leg, name) &&
                      (leg.killed ? kill_in_mid_flow(*child, leg, notebook, name) : await_end(*child, leg, name));
    if (done) leg.answered = read_answered(notebook.fd());
    if (done && leg.answered.empty()) return fail(kExitCheckFailed, name + " answered nothing");
    return done;
  }

  /// Waits for a line that holds `member`, which the child prints.
  bool await(Child& child, const char* member, std::chrono::seconds timeout, const std::string& words,
             json::object& out) {
    const auto until = Clock::now() + timeout;
    while (Clock::now() < until) {
      on_progress_(words);
      if (stop_) return fail(kExitInterrupted, "interrupted");
      if (const auto line = child.line(kLookEvery)) {
        json::error_code error;
        const json::value value = json::parse(*line, error);
        const json::object* object = error ? nullptr : value.if_object();
        if (object == nullptr || !object->contains(member)) continue;
        out = *object;
        return true;
      }
      if (child.output_ended()) return fail_with(child);
    }
    return fail(kExitCheckFailed, "the child process hangs: " + words);
  }

  bool fail_with(Child& child) {
    const int code = child.wait();
    return fail(code == 0 ? kExitCheckFailed : code, "the child process ended early with code " + std::to_string(code));
  }

  bool await_driving(Child& child, Leg& leg, const std::string& name) {
    json::object opened, driving;
    if (!await(child, "recovery", kStartMax, name + ": opening", opened)) return false;
    leg.recovery = recovery_of(opened.at("recovery").as_object());
    return await(child, "event", kStartMax, name + ": seeding wallets and stock", driving);
  }

  bool kill_in_mid_flow(Child& child, Leg& leg, const Notebook& notebook, const std::string& name) {
    const auto start = Clock::now();
    // A little later each time: not always at the same point of whatever repeats.
    const auto until = start + options_.leg + std::chrono::microseconds(random_() % 100'000);
    while (Clock::now() < until) {
      if (stop_) return fail(kExitInterrupted, "interrupted");
      on_progress_(name + ": " + grouped(notebook.entries()) + " checkouts answered; SIGKILL soon");
      child.line(
          std::chrono::ceil<std::chrono::milliseconds>(std::min<Clock::duration>(kLookEvery, until - Clock::now())));
      if (child.output_ended()) return fail_with(child);
    }
    child.kill();
    leg.driving_s = seconds_since(start);
    child.wait();
    return true;
  }

  bool await_end(Child& child, Leg& leg, const std::string& name) {
    const auto timeout = std::chrono::ceil<std::chrono::seconds>(options_.leg) + kEndMax;
    if (!await(child, "committed", timeout, name + ": driving checkouts", leg.report)) return false;
    leg.driving_s = leg.report.at("elapsed_s").to_number<double>();
    const int code = child.wait();
    return code == 0 || fail(code, "the last run ended with code " + std::to_string(code));
  }

  bool verify() {
    std::string explanation;
    EngineOptions engine_options;
    engine_options.dir = options_.dir;
    auto engine = Engine::open(engine_options, &explanation);
    if (!engine) return fail(exit_code_of(engine.code()), explanation);
    const auto submit = [&](auto requests, OnOutcomes then) { (*engine)->submit(requests, std::move(then)); };
    for (const Leg& leg : report_.legs) {
      const Workload workload(options_.workload, leg.run);
      const auto chosen = chosen_for_verification(leg.answered, options_.verify_max);
      Verification& sum = report_.verification;
      const auto one = verify_answered(workload, chosen, submit, [&](std::uint64_t done) {
        on_progress_("asking again for what was answered: " + grouped(sum.asked + done));
      });
      sum.asked += one.asked;
      sum.found += one.found;
      sum.lost += one.lost;
      if (sum.first_lost.empty()) sum.first_lost = one.first_lost;
      if (stop_) return fail(kExitInterrupted, "interrupted");
    }
    return true;
  }

  bool audit() {
    on_progress_("auditing");
    std::string explanation;
    auto audit = persistence::audit(options_.dir, &explanation);
    if (!audit) return fail(exit_code_of(audit.code()), explanation);
    report_.audit = std::move(*audit);
    return true;
  }

  const DemoOptions& options_;
  const OnProgress& on_progress_;
  const std::atomic<bool>& stop_;
  DemoReport& report_;
  DemoFailure& failure_;
  std::random_device random_;
};

}  // namespace

double Leg::answered_per_s() const { return driving_s > 0 ? static_cast<double>(answered.size()) / driving_s : 0; }

std::uint64_t DemoReport::answered() const {
  std::uint64_t sum = 0;
  for (const Leg& leg : legs) sum += leg.answered.size();
  return sum;
}

bool run_demo(const DemoOptions& options, const std::function<void(const std::string&)>& on_progress,
              const std::atomic<bool>& stop, DemoReport& report, DemoFailure& failure) {
  return Demo(options, on_progress, stop, report, failure).run();
}

}  // namespace kontor::cmd
