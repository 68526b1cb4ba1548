#include "node/https_get.hpp"

#include <curl/curl.h>

#include <memory>
#include <mutex>
#include <stdexcept>

namespace tenon {
namespace {

// Both are handles to void.
struct FreeEasy {
  void operator()(CURL* easy) const noexcept { curl_easy_cleanup(easy); }
};
struct FreeMulti {
  void operator()(CURLM* multi) const noexcept { curl_multi_cleanup(multi); }
};

struct Body {
  std::string text;
  std::size_t bytes_max;
};

std::size_t take(const char* bytes, std::size_t, std::size_t size, void* to) {
  auto& body = *static_cast<Body*>(to);
  if (body.text.size() + size > body.bytes_max) return CURL_WRITEFUNC_ERROR;
  body.text.append(bytes, size);
  return size;
}

void set_up(CURL* easy, const HttpsGet& get, Body& body) {
  const auto set = [easy](CURLoption option, auto value) {
    if (curl_easy_setopt(easy, option, value) != CURLE_OK) throw std::runtime_error("libcurl lacks what is needed");
  };
  set(CURLOPT_URL, get.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!get.authorities.empty()) {
    set(CURLOPT_CAINFO, get.authorities.c_str());
    set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(get.deadline.count()));
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(get.deadline.count()));
  set(CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(get.bytes_max));
  set(CURLOPT_WRITEFUNCTION, &take);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&body));
}

// CURLE_ABORTED_BY_CALLBACK: it was stopped.
CURLcode run(CURLM* multi, const std::stop_token& stop) {
  int running = 1;
  while (running > 0 && !stop.stop_requested()) {
    if (curl_multi_perform(multi, &running) != CURLM_OK) return CURLE_FAILED_INIT;
    if (running > 0 && curl_multi_poll(multi, nullptr, 0, 1'000, nullptr) != CURLM_OK) return CURLE_FAILED_INIT;
  }
  int left = 0;
  const CURLMsg* message = curl_multi_info_read(multi, &left);
  return message != nullptr && message->msg == CURLMSG_DONE ? message->data.result : CURLE_ABORTED_BY_CALLBACK;
}

}  // namespace

std::expected<std::string, std::string> https_get(const HttpsGet& get, const std::stop_token& stop) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  const std::unique_ptr<CURL, FreeEasy> easy(curl_easy_init());
  const std::unique_ptr<CURLM, FreeMulti> multi(curl_multi_init());
  if (easy == nullptr || multi == nullptr) return std::unexpected("libcurl could not be started");
  Body body{.text = {}, .bytes_max = get.bytes_max};
  set_up(easy.get(), get, body);
  curl_multi_add_handle(multi.get(), easy.get());
  const std::stop_callback wake(stop, [&multi] { curl_multi_wakeup(multi.get()); });
  const CURLcode result = run(multi.get(), stop);
  long status = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  curl_multi_remove_handle(multi.get(), easy.get());
  if (result == CURLE_WRITE_ERROR || result == CURLE_FILESIZE_EXCEEDED) {
    return std::unexpected("the answer is larger than " + std::to_string(get.bytes_max) + " bytes");
  }
  if (result != CURLE_OK) return std::unexpected(std::string(curl_easy_strerror(result)));
  if (status != 200) return std::unexpected("the answer's status is " + std::to_string(status));
  return std::move(body.text);
}

}  // namespace tenon
