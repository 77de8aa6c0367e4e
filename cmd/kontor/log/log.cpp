#include "cmd/kontor/log/log.hpp"

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/pattern_formatter.h>

#include "cmd/kontor/log/line_sink.hpp"
#include "cmd/kontor/log/line_text.hpp"

namespace kontor::cmd {
namespace {

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warning: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
  }
  return spdlog::level::off;
}

const char* pattern_of(LogFormat format) {
  return format == LogFormat::json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%l",%v})"
                                   : "%Y-%m-%dT%H:%M:%S.%fZ %l %v";
}

}  // namespace

std::string_view to_string(LogLevel level) {
  const auto name = spdlog::level::to_string_view(level_of(level));
  return {name.data(), name.size()};
}

std::optional<LogLevel> parse_log_level(std::string_view text) {
  for (const LogLevel level : kLogLevels)
    if (to_string(level) == text) return level;
  return {};
}

struct Log::Impl {
  Impl(const LogOptions& options, std::shared_ptr<LineSink> to)
      : format(options.format),
        sink(std::move(to)),
        pool(std::make_shared<spdlog::details::thread_pool>(kLogLinesMax, 1)),
        logger(std::make_shared<spdlog::async_logger>("kontor", sink, pool,
                                                      spdlog::async_overflow_policy::overrun_oldest)) {
    sink->set_formatter(
        std::make_unique<spdlog::pattern_formatter>(pattern_of(format), spdlog::pattern_time_type::utc));
    logger->set_level(level_of(options.level));
    logger->set_error_handler([](const std::string&) {});  // What failed is counted; there is nowhere to say it.
  }

  const LogFormat format;
  const std::shared_ptr<LineSink> sink;
  const std::shared_ptr<spdlog::details::thread_pool> pool;  // Its end waits until all is written.
  const std::shared_ptr<spdlog::async_logger> logger;
};

std::unique_ptr<Log> Log::open(const LogOptions& options, std::string& explanation) {
  auto sink = LineSink::open(options.file, explanation);
  if (!sink) return nullptr;
  return std::unique_ptr<Log>(new Log(std::make_unique<Impl>(options, std::move(sink))));
}

Log::Log(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Log::~Log() = default;

bool Log::keeps(LogLevel level) const { return impl_->logger->should_log(level_of(level)); }

void Log::write(LogLevel level, std::string_view event, const boost::json::object& fields) {
  if (!keeps(level)) return;
  const std::string text = line_text(impl_->format, event, fields);
  impl_->logger->log(level_of(level), spdlog::string_view_t(text.data(), text.size()));
}

bool Log::reopen(std::string& explanation) { return impl_->sink->reopen(explanation); }

std::uint64_t Log::dropped() const { return impl_->pool->overrun_counter() + impl_->sink->failed(); }

}  // namespace kontor::cmd
