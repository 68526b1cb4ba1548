#include "redis/resp.hpp"

#include <hiredis/hiredis.h>
#include <hiredis/read.h>

#include <array>
#include <cstdlib>
#include <new>

#include "base/limits.hpp"

namespace tenon::redis {
namespace {

// hiredis builds replies through these. A root is ours to delete; what is inside an array lives in the array's own
// vector. They are called from C, through which no exception may fly.
[[nodiscard]] Reply* place_of(const redisReadTask* task) noexcept {
  if (task->parent == nullptr) return new (std::nothrow) Reply;
  return &static_cast<Reply*>(task->parent->obj)->elements[static_cast<std::size_t>(task->idx)];
}

void* create_string(const redisReadTask* task, char* bytes, std::size_t size) noexcept {
  Reply* const reply = place_of(task);
  if (reply == nullptr) return nullptr;
  reply->kind = task->type == REDIS_REPLY_ERROR ? Reply::Kind::error : Reply::Kind::text;
  reply->text.assign(bytes, size);
  return reply;
}

// Null makes hiredis stop: the bound is checked before anything is allocated for the elements that were announced.
void* create_array(const redisReadTask* task, int size) noexcept {
  if (size < 0 || static_cast<std::size_t>(size) > limits::redis_reply_elements_max) return nullptr;
  Reply* const reply = place_of(task);
  if (reply == nullptr) return nullptr;
  reply->kind = Reply::Kind::array;
  reply->elements.resize(static_cast<std::size_t>(size));
  return reply;
}

void* create_integer(const redisReadTask* task, long long value) noexcept {
  Reply* const reply = place_of(task);
  if (reply == nullptr) return nullptr;
  reply->kind = Reply::Kind::integer;
  reply->integer = value;
  return reply;
}

void* create_nil(const redisReadTask* task) noexcept { return place_of(task); }

void free_root(void* reply) noexcept { delete static_cast<Reply*>(reply); }

redisReplyObjectFunctions functions{.createString = create_string,
                                    .createArray = create_array,
                                    .createInteger = create_integer,
                                    .createNil = create_nil,
                                    .freeObject = free_root};

}  // namespace

std::string_view Reply::error_name() const noexcept {
  if (kind != Kind::error) return {};
  return std::string_view(text).substr(0, text.find(' '));
}

void append_command(std::string& out, std::span<const std::string_view> parts) {
  constexpr std::size_t usual = 32;
  std::array<const char*, usual> few_bytes{};
  std::array<std::size_t, usual> few_sizes{};
  std::vector<const char*> many_bytes(parts.size() > usual ? parts.size() : 0);
  std::vector<std::size_t> many_sizes(many_bytes.size());
  const char** const bytes = many_bytes.empty() ? few_bytes.data() : many_bytes.data();
  std::size_t* const sizes = many_sizes.empty() ? few_sizes.data() : many_sizes.data();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    bytes[i] = parts[i].data();
    sizes[i] = parts[i].size();
  }
  char* formatted = nullptr;
  const int size = redisFormatCommandArgv(&formatted, static_cast<int>(parts.size()), bytes, sizes);
  if (size < 0) throw std::bad_alloc();
  out.append(formatted, static_cast<std::size_t>(size));
  std::free(formatted);  // NOLINT: hiredis' malloc
}

struct Reader::Parser {
  Parser() : reader(redisReaderCreateWithFunctions(&functions)) {
    if (reader == nullptr) throw std::bad_alloc();
  }
  ~Parser() { redisReaderFree(reader); }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;
  redisReader* reader;
};

Reader::Reader() : parser_(std::make_unique<Parser>()) {}
Reader::~Reader() = default;

bool Reader::feed(std::string_view bytes) {
  if (redisReaderFeed(parser_->reader, bytes.data(), bytes.size()) == REDIS_OK) {
    pending_bytes_ += bytes.size();
    return true;
  }
  error_ = parser_->reader->errstr;
  return false;
}

std::optional<Reply> Reader::next() {
  void* root = nullptr;
  if (redisReaderGetReply(parser_->reader, &root) != REDIS_OK) {
    error_ = parser_->reader->err == REDIS_ERR_OOM ? "a reply with too many elements" : parser_->reader->errstr;
    return std::nullopt;
  }
  if (root != nullptr) {
    const std::unique_ptr<Reply> reply(static_cast<Reply*>(root));
    pending_bytes_ = parser_->reader->len - parser_->reader->pos;
    return std::move(*reply);
  }
  // Not what the parser has left of them: finished elements of an unfinished array are no longer there.
  if (pending_bytes_ > limits::redis_reply_bytes_max) error_ = "a reply that is too long";
  return std::nullopt;
}

}  // namespace tenon::redis
