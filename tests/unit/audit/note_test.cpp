#include "audit/note.hpp"

#include <gtest/gtest.h>

#include "audit/base64.hpp"

namespace tenon::audit {
namespace {

// The published example of golang.org/x/mod/sumdb/note.
const std::string peter_private = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const std::string peter_public = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const std::string enoch_public = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
const std::string text =
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n";
const std::string peter_line =
    "\u2014 PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
const std::string enoch_line =
    "\u2014 EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";

TEST(Note, ThePublishedExampleIsSignedAsPublished) {
  const auto signer = NoteSigner::parse(peter_private);
  ASSERT_TRUE(signer) << signer.error();
  EXPECT_EQ(signer->verifier().text(), peter_public);
  EXPECT_EQ(signer->private_text(), peter_private);
  EXPECT_EQ(signer->sign(text), text + "\n" + peter_line);
}

TEST(Note, ThePublishedExampleOpensWhoeverElseSigned) {
  const auto peter = NoteVerifier::parse(peter_public);
  const auto enoch = NoteVerifier::parse(enoch_public);
  ASSERT_TRUE(peter && enoch);
  EXPECT_EQ(peter->text(), peter_public);
  EXPECT_EQ(peter->open(text + "\n" + peter_line), text);
  EXPECT_EQ(peter->open(text + "\n" + peter_line + enoch_line), text);
  EXPECT_EQ(enoch->open(text + "\n" + peter_line + enoch_line), text);
  EXPECT_EQ(enoch->open(text + "\n" + peter_line).error(), "no signature on it is by EnochRoot+af0cfe78");
}

TEST(Note, WhatIsNotSignedOrNotANoteDoesNotOpen) {
  const auto peter = NoteVerifier::parse(peter_public);
  ASSERT_TRUE(peter);
  const std::string note = text + "\n" + peter_line;
  for (const std::string& bad :
       {text, text + "\n", note.substr(0, note.size() - 1), "\x01" + note, "\xff" + note, note + "Unexpected line.\n",
        text + "\n\u2014 Bad Name "
               "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"}) {
    EXPECT_EQ(peter->open(bad).error(), "it is no signed note") << bad;
  }
  std::string many = text + "\n";
  for (int i = 0; i < 101; ++i) many += peter_line;
  EXPECT_EQ(peter->open(many).error(), "it is no signed note");
  EXPECT_EQ(peter->open("X" + note.substr(1)).error(), "its signature does not verify");
  EXPECT_EQ(peter->open(text + "\n" + peter_line.substr(0, 60) + "ABCD" + peter_line.substr(60)).error(),
            "its signature does not verify");
}

TEST(Note, EveryMangledKeyIsRefused) {
  for (std::size_t begin = 0; begin < peter_public.size(); ++begin) {
    for (std::size_t end = begin + 1; end <= peter_public.size(); ++end) {
      if (begin == 0 && end == peter_public.size()) continue;
      EXPECT_FALSE(NoteVerifier::parse(peter_public.substr(begin, end - begin)));
    }
  }
  for (std::size_t i = 0; i < peter_public.size(); ++i) {
    std::string mangled = peter_public;
    ++mangled[i];
    EXPECT_FALSE(NoteVerifier::parse(mangled)) << mangled;
  }
  for (std::size_t i = 0; i < peter_private.size(); ++i) {
    std::string mangled = peter_private;
    ++mangled[i];
    EXPECT_FALSE(NoteSigner::parse(mangled)) << mangled;
    EXPECT_FALSE(NoteSigner::parse(peter_private.substr(0, i)));
  }
  EXPECT_FALSE(NoteVerifier::parse("PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY=="));
  EXPECT_FALSE(NoteVerifier::parse("PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"));
}

TEST(Note, AnErrorSaysNothingOfThePrivateKey) {
  std::string mangled = peter_private;
  mangled.back() = 'A';
  const auto signer = NoteSigner::parse(mangled);
  ASSERT_FALSE(signer);
  EXPECT_FALSE(signer.error().contains("YEKFALVF"));
}

TEST(Note, NewKeysDifferAndSignWhatTheirPublicHalfOpens) {
  const NoteSigner one = NoteSigner::generate("tenon/1");
  const NoteSigner two = NoteSigner::generate("tenon/1");
  EXPECT_NE(one.verifier().text(), two.verifier().text());
  const auto again = NoteSigner::parse(one.private_text());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->sign("line\n"), one.sign("line\n"));
  EXPECT_EQ(one.verifier().open(again->sign("line\n\nmore\n")), "line\n\nmore\n");
  EXPECT_FALSE(two.verifier().open(one.sign("line\n")));
}

TEST(Note, ANameHasNoSpacesAndNoPlus) {
  for (const std::string name : {"", "a b", "a+b", "a\tb", "a\u00a0b", "a\u3000b", "\xff"})
    EXPECT_THROW((void)NoteSigner::generate(name), std::invalid_argument) << name;
  EXPECT_NO_THROW((void)NoteSigner::generate("é/è"));
}

TEST(Note, OnlyLinesOfPlainTextAreSigned) {
  const NoteSigner signer = NoteSigner::generate("n");
  for (const std::string bad : {"", "abc", "a\tb\n", "\xff\n"})
    EXPECT_THROW((void)signer.sign(bad), std::invalid_argument);
}

TEST(Base64, IsStrict) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xfb\xff"), "+/8=");
  EXPECT_EQ(base64_decode("+/8="), "\xfb\xff");
  EXPECT_EQ(base64_decode(""), "");
  for (const std::string bad : {"Zg", "Zg=", "Zg===", "Zh==", "-_8=", "Zm9v\n", "====", "Z===", "Zm=v"})
    EXPECT_FALSE(base64_decode(bad)) << bad;
}

}  // namespace
}  // namespace tenon::audit
