// What a lane sends, and what it sends no more.
#include "writes/lane.hpp"

#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <thread>

#include "postgres/session.hpp"
#include "support/cluster.hpp"

namespace tenon::writes {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using test::await_row;
using test::query;
using test::query_value;

class Unobserved final : public LaneObserver {
 public:
  void on_batch(const Operation&, std::size_t, std::chrono::steady_clock::duration) override {}
  void on_retry(std::string_view, std::size_t) override {}
};

class ALane : public testing::Test {
 protected:
  ALane() {
    query(database_, "CREATE TABLE tried (n bigint)");
    lane_.start();
  }
  ~ALane() override {
    lane_.stop();
    work_.reset();
    thread_.join();
  }

  // On its way; `answered` is done once it is answered.
  struct Sent {
    std::shared_ptr<Command> command = std::make_shared<Command>();
    std::promise<void> answered;
  };
  std::unique_ptr<Sent> send(std::int64_t n) {
    auto sent = std::make_unique<Sent>();
    sent->command->call = {.operation = &operation_, .arguments = {n}};
    sent->command->deadline = monotonic_now() + 60s;
    sent->command->origin = &io_;
    sent->command->done = [&answered = sent->answered] { answered.set_value(); };
    EXPECT_TRUE(lane_.submit(sent->command));
    return sent;
  }
  void end_time_of(Sent& sent) {
    asio::post(io_, [command = sent.command] { command->deadline = monotonic_now(); });
  }
  static bool await_answer(Sent& sent) { return sent.answered.get_future().wait_for(30s) == std::future_status::ready; }

  std::string database_ = test::shared_cluster().make_database("lane");
  Operation operation_{.name = "try",
                       .kind = Operation::Kind::read,
                       .statement =
                           "WITH tried AS (INSERT INTO tried SELECT unnest($1)) "
                           "SELECT array_agg(200::int2), array_agg(NULL::text), array_agg('{}'::text), "
                           "array_agg(NULL::int8), array_agg(NULL::timestamptz) FROM unnest($1)",
                       .columns = {postgres::Type::int8}};
  Logger log_{"/dev/null", LogLevel::off};
  Unobserved observer_;
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  Lane lane_{io_, {.conninfo = database_}, log_, observer_};
  std::thread thread_{[this] { io_.run(); }};
};

TEST_F(ALane, DoesNotSendWhatIsAnsweredByTheTimeThatItsStatementIsPrepared) {
  postgres::Session holder(database_);
  holder.script("BEGIN; LOCK TABLE tried");
  const auto late = send(1);
  EXPECT_TRUE(await_row(database_, "SELECT FROM pg_locks WHERE relation = 'tried'::regclass AND NOT granted"));
  end_time_of(*late);
  ASSERT_TRUE(await_answer(*late));
  ASSERT_FALSE(late->command->outcome);
  EXPECT_EQ(late->command->outcome.error().code, ProblemCode::database_unavailable);
  holder.script("COMMIT");
  const auto next = send(2);
  ASSERT_TRUE(await_answer(*next));
  EXPECT_TRUE(next->command->outcome);
  EXPECT_EQ(query_value(database_, "SELECT array_agg(n) FROM tried"), "{2}");
}

}  // namespace
}  // namespace tenon::writes
