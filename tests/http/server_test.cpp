// The HTTP layer alone, before a service that answers from another thread: no engine, so under TSan too.
#include "cmd/http/server.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>

#include "cmd/http/path.hpp"
#include "tests/http/client.hpp"
#include "tests/http/echo.hpp"
#include "tests/support/catch.hpp"

using namespace kontor::http;
using kontor::tests::Client;
using kontor::tests::Echo;
using kontor::tests::post_text;
using namespace std::chrono_literals;

namespace {

/// Runs actions on a thread of its own, as an engine would.
class Worker {
 public:
  Worker() : thread_([this] { run(); }) {}
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker() {
    post({});
    thread_.join();
  }
  void post(std::function<void()> action) {
    const std::lock_guard lock(mutex_);
    actions_.push_back(std::move(action));
    changed_.notify_one();
  }

 private:
  void run() {
    for (;;) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return !actions_.empty(); });
      const auto action = std::move(actions_.front());
      actions_.pop_front();
      lock.unlock();
      if (!action) return;
      action();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> actions_;
  std::thread thread_;
};

/// Answers on the worker's thread; `/lines` as it comes, `/no` not at all.
class WorkingEcho : public Echo {
 public:
  WorkingEcho(Worker& worker, const Post& post)
      : Echo([this](std::function<void()> action) { later(std::move(action)); }), worker_(worker), post_(post) {}

  Opening open(const RequestPtr& request) override {
    Opening opening = Echo::open(request);
    if (request->path == "/lines") opening.stream = std::make_unique<Lines>(*this);
    opening.content_type = "text/plain";
    if (request->path == "/no") opening.refusal = std::make_unique<Response>(refuse(*request, 404, "no"));
    return opening;
  }

 private:
  struct Lines : LineStream {
    explicit Lines(WorkingEcho& owner) : echo(owner) {}
    void on_lines(std::string lines, std::function<void(std::string)> then) override {
      echo.later([lines = std::move(lines), then = std::move(then)] { then(lines); });
    }
    std::string on_failure(unsigned, std::string_view detail) override {
      return "failed: " + std::string(detail) + "\n";
    }
    WorkingEcho& echo;
  };

  void later(std::function<void()> action) {
    worker_.post([post = post_, action = std::move(action)] { post(action); });
  }

  Worker& worker_;
  const Post post_;
};

struct Served {
  explicit Served(std::size_t lanes = 2) {
    ServerOptions options;
    options.listen = {"127.0.0.1", 0};
    options.lanes = lanes;
    server = std::make_unique<Server>(options, stats,
                                      [this](const Post& post) { return std::make_unique<WorkingEcho>(worker, post); });
  }
  std::uint16_t port() const { return server->endpoint().port; }

  Stats stats;
  std::unique_ptr<Server> server;
  Worker worker;  // Ends first: what it posts must find its lane.
};

}  // namespace

TEST_CASE("server: many clients on several lanes get their own answers", "[http][server]") {
  Served served;
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      Client client(served.port());
      for (int i = 0; i < 50; ++i) {
        const std::string body = std::to_string(t) + ":" + std::to_string(i);
        right += client.post("/", body, "").body == body ? 1 : 0;
        right += client.post("/lines", body + "\nx", "").body == body + "\nx" ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(right == 800);
  CHECK(served.stats.responses[200 - Stats::kStatusFirst] == 800);
}

TEST_CASE("server: a drain lets what was begun finish, and takes nothing new", "[http][server]") {
  Served served;
  Client idle(served.port()), busy(served.port());
  CHECK(idle.get("/").status == 200);
  std::promise<void> release;
  served.worker.post([wait = release.get_future().share()] { wait.wait(); });
  REQUIRE(busy.send(post_text("/", "late", "")));
  std::this_thread::sleep_for(100ms);
  CHECK_FALSE(served.server->drain(50ms));
  CHECK_FALSE(idle.receive());
  release.set_value();
  const auto answer = busy.receive();
  REQUIRE(answer);
  CHECK(answer->body == "late");
  CHECK(answer->field("connection") == "close");
  CHECK(served.server->drain(5s));
  CHECK_THROWS(Client(served.port()).get("/"));
}

TEST_CASE("server: a refusal before the body keeps the connection only if there is none", "[http][server]") {
  Served served(1);
  Client client(served.port());
  const auto without = client.get("/no");
  CHECK(without.status == 404);
  CHECK(without.field("connection").empty());
  const auto with = client.post("/no", "body", "");
  CHECK(with.status == 404);
  CHECK(with.field("connection") == "close");
}

TEST_CASE("server: a body that was announced is asked for", "[http][server]") {
  Served served(1);
  Client client(served.port());
  client.send("POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  const auto go_on = client.receive();
  REQUIRE(go_on);
  CHECK(go_on->status == 100);
  CHECK(client.raw("ok").body == "ok");
}

TEST_CASE("server: addresses are read, and known as this machine's", "[http][server]") {
  CHECK(parse_endpoint("8080")->port == 8080);
  CHECK(url_of(*parse_endpoint("127.0.0.2:80")) == "http://127.0.0.2:80");
  CHECK(url_of(*parse_endpoint("[::1]:80")) == "http://[::1]:80");
  CHECK(url_of(*parse_endpoint("[::1]:80"), true) == "https://[::1]:80");
  CHECK(is_loopback(*parse_endpoint("[::1]:80")));
  CHECK(is_loopback(*parse_endpoint("127.1.2.3:80")));
  CHECK_FALSE(is_loopback(*parse_endpoint("10.0.0.1:80")));
  for (const char* text : {"", ":", "x", "70000", "1.2.3:4", "localhost:80", "127.0.0.1:", "127.0.0.1:8x", "-1"})
    CHECK_FALSE(parse_endpoint(text));
}

TEST_CASE("server: paths are matched segment by segment", "[http][server]") {
  CHECK(match_path("/a/{b}/c", "/a/x%20y/c") == std::vector<std::string>{"x y"});
  for (const char* path : {"/a//c", "/a/x/c/", "/a/x", "/a/x/d", "/a/%/c", "/a/%4/c", "/a/%4g/c", ""})
    CHECK_FALSE(match_path("/a/{b}/c", path));
  CHECK(percent_encoded("a b/\xC3\xA4") == "a%20b%2F%C3%A4");
  CHECK(percent_decoded("a%20b%2F%c3%A4") == "a b/\xC3\xA4");
}
