#include "node/settings.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string>

namespace tenon {
namespace {

// Not root, who has /var/lib/tenon; with this HOME, or none.
class AsSomebody {
 public:
  explicit AsSomebody(const char* home) {
    EXPECT_EQ(::seteuid(was_ == 0 ? 65534 : was_), 0);
    if (const char* before = std::getenv("HOME")) home_ = before;
    ::unsetenv("XDG_DATA_HOME");
    home == nullptr ? ::unsetenv("HOME") : ::setenv("HOME", home, 1);
  }
  ~AsSomebody() {
    home_ ? ::setenv("HOME", home_->c_str(), 1) : ::unsetenv("HOME");
    EXPECT_EQ(::seteuid(was_), 0);
  }
  AsSomebody(const AsSomebody&) = delete;
  AsSomebody& operator=(const AsSomebody&) = delete;

 private:
  uid_t was_ = ::geteuid();
  std::optional<std::string> home_;
};

// Anything under /tmp is anybody's to have made before.
TEST(TheDataDirectory, IsNowhereWhereHomeIsNotSet) {
  for (const char* home : {static_cast<const char*>(nullptr), ""}) {
    const AsSomebody homeless(home);
    EXPECT_EQ(default_data_dir(), "");
    Settings settings;
    settings.data_dir = default_data_dir();
    EXPECT_THAT([&] { (void)data_dir_of(settings); },
                testing::ThrowsMessage<std::runtime_error>(testing::HasSubstr("HOME is not set: say --data-dir")));
    EXPECT_EQ(data_dir_of(settings, "/srv/tenon"), "/srv/tenon");
  }
  const AsSomebody somebody("/home/ann");
  EXPECT_EQ(default_data_dir(), "/home/ann/.local/share/tenon");
}

}  // namespace
}  // namespace tenon
