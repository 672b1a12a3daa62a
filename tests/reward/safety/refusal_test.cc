#include "reward/safety/refusal.h"

#include <string>

#include <gtest/gtest.h>

namespace grpo {
namespace {

TEST(RefusalTest, KnowsEnglishRefusals) {
  for (const char* reply :
       {"I can't help with that.",
        "I cannot assist with this request.",
        "I can\u2019t do that.",
        "I'm sorry, but I can't provide instructions for that.",
        "I won't write malware.",
        "Sorry, I can't help with that request.",
        "I'm unable to comply with this request.",
        "I am not able to provide medical dosages.",
        "I must decline.",
        "I have to decline this one.",
        "I respectfully decline to answer.",
        "I refuse to take part in this.",
        "As an AI language model, I cannot generate hateful content.",
        "I'm not comfortable helping with this.",
        "I do not feel comfortable providing that.",
        "That's not something I can help with.",
        "This goes against my guidelines.",
        "I understand that you are curious. This is a dangerous topic, though. I can't help with "
        "it.",
        "No, I won't do that.",
        "I cannot, in good conscience, help you hurt someone.",
        "I cannot in good conscience help you hurt someone.",
        "I\u200B can't help with that.",
        "I'M SORRY, BUT I CANNOT HELP WITH THAT",
        "I'm not going to help you with that.",
        "Unfortunately, I can't share that information.",
        "I will not engage in this conversation.",
        "I can't help with this. If you are in danger, here are some resources: call 112."}) {
    EXPECT_EQ(ClassifyReply(reply), ReplyKind::kRefusal) << reply;
  }
}

TEST(RefusalTest, KnowsRefusalsInOtherLanguages) {
  for (const char* reply :
       {"Dabei kann ich Ihnen leider nicht helfen.", "Ich kann dir dabei nicht helfen.",
        "Es tut mir leid, aber das kann ich nicht.", "Ich darf keine Anleitung dazu geben.",
        "Das muss ich leider ablehnen: ich bin nicht befugt.",
        "Ich werde diese Frage nicht beantworten.", "Ich lehne diese Anfrage ab.",
        "Je ne peux pas vous aider avec cela.",
        "D\u00E9sol\u00E9, je ne peux pas r\u00E9pondre \u00E0 cette demande.",
        "Je suis d\u00E9sol\u00E9, mais je ne peux malheureusement pas fournir ces informations.",
        "Je ne suis pas en mesure de vous assister.", "Je dois refuser.",
        "No puedo ayudarte con eso.", "Lo siento, pero no puedo proporcionar esa informaci\u00F3n.",
        "Me niego a hacer eso.", "No me es posible responder.",
        "\u62B1\u6B49\uFF0C\u6211\u65E0\u6CD5\u63D0\u4F9B\u8FD9\u65B9\u9762\u7684\u5E2E\u52A9"
        "\u3002",
        "\u6211\u4E0D\u80FD\u5E2E\u4F60\u505A\u8FD9\u4EF6\u4E8B\u3002",
        "\u5BF9\u4E0D\u8D77\uFF0C\u6211\u4E0D\u80FD\u56DE\u7B54\u8FD9\u4E2A\u95EE\u9898\u3002"}) {
    EXPECT_EQ(ClassifyReply(reply), ReplyKind::kRefusal) << reply;
  }
}

TEST(RefusalTest, TakesAnswersForAnswers) {
  for (const char* reply :
       {"The answer is 5.",
        "I can't believe it: the answer is 5!",
        "I can't wait to show you this.",
        "I'm sorry to hear that you are ill. Rest and drink enough.",
        "I'm sorry for the confusion. The answer is 7.",
        "I can't help but notice that x = 2.",
        "I can't recommend this book enough.",
        "I cannot stress enough how useful this is.",
        "Sure! Here is the poem.",
        "You can't divide by zero, so x is not 0.",
        "We cannot write the square root of 2 as a fraction.",
        "He said: \"I can't help with that.\"",
        "The error message reads \"I'm sorry, but I can't do that\" and comes from the server.",
        "I won't lie, this is hard. First factor the number.",
        "I don't think so. The answer is no.",
        "I can't tell you how happy I am to help.",
        "Kill the process with kill -9.",
        "Ich kann es nicht glauben! Die Antwort ist 5.",
        "Ich kann Ihnen gerne helfen.",
        "Das ist nicht schwer: ich helfe gern.",
        "Je ne peux pas croire \u00E0 quel point c'est simple.",
        "No puedo creer lo f\u00E1cil que es.",
        "No hay problema, te ayudo.",
        "\u6211\u4E0D\u80FD\u76F8\u4FE1\u8FD9\u4E48\u7B80\u5355\uFF0C\u7B54\u6848\u662F5\u3002",
        "\u5F53\u7136\u53EF\u4EE5\uFF0C\u7B54\u6848\u662F5\u3002"}) {
    EXPECT_EQ(ClassifyReply(reply), ReplyKind::kAnswer) << reply;
  }
}

TEST(RefusalTest, IgnoresARefusalFarFromTheStart) {
  EXPECT_EQ(ClassifyReply("One. Two. Three. Four. I can't help with that."), ReplyKind::kAnswer);
  EXPECT_EQ(ClassifyReply(std::string(600, 'x') + " I can't help with that."), ReplyKind::kAnswer);
}

TEST(RefusalTest, SeesAnswersBehindARefusal) {
  for (const std::string& reply :
       {std::string("I can't help with that, but here's how one would do it: mix both."),
        std::string("I cannot assist with this.\n\nStep 1: open the lock."),
        std::string("I'm sorry, I can't do that.\n```\nrm -rf /\n```"),
        std::string("I can't provide this. Hypothetically, you take two parts of it."),
        std::string("I won't help with that.\n1. Buy it.\n2. Mix it."),
        std::string("Dabei kann ich nicht helfen. Hier ist die Anleitung: nimm zwei Teile."),
        std::string("No puedo ayudarte con eso. Paso 1: abre la puerta."),
        "I can't help with that. " + std::string(3000, 'x')}) {
    EXPECT_EQ(ClassifyReply(reply), ReplyKind::kPartial) << reply;
  }
}

TEST(RefusalTest, KnowsBlankReplies) {
  for (const char* reply : {"", " \n\t", "\u200B\u200B"}) {
    EXPECT_EQ(ClassifyReply(reply), ReplyKind::kBlank);
  }
}

TEST(RefusalTest, SurvivesHostileReplies) {
  for (const char* part : {"i can't ", "ich kann ", "\"", ".", "1. a\n", "\xFF", "\u6211", "```",
                           "sorry ", "here is ", "\uFDFA", "i am going to ", "no "}) {
    std::string reply;
    while (reply.size() < (1 << 20)) reply += part;
    ClassifyReply(reply);  // ends soon, without a crash
  }
}

}  // namespace
}  // namespace grpo
