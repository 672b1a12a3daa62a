#include "reward/style/language_detector.h"

#include <gtest/gtest.h>

namespace grpo {
namespace {

std::string Detected(absl::string_view text) {
  const LanguageProfile* const language = DetectLanguage(text);
  return language == nullptr ? "" : std::string(language->code);
}

// Article 1 of the Universal Declaration of Human Rights, which is in the public domain.
struct Sample {
  const char* code;
  const char* text;
};
constexpr Sample kSamples[] = {
    {"en",
     "All human beings are born free and equal in dignity and rights. They are endowed with "
     "reason and conscience and should act towards one another in a spirit of brotherhood."},
    {"es",
     "Todos los seres humanos nacen libres e iguales en dignidad y derechos y, dotados como "
     "están de razón y conciencia, deben comportarse fraternalmente los unos con los otros."},
    {"pt",
     "Todos os seres humanos nascem livres e iguais em dignidade e em direitos. Dotados de "
     "razão e de consciência, devem agir uns para com os outros em espírito de fraternidade."},
    {"fr",
     "Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont doués "
     "de raison et de conscience et doivent agir les uns envers les autres dans un esprit de "
     "fraternité."},
    {"it",
     "Tutti gli esseri umani nascono liberi ed eguali in dignità e diritti. Essi sono dotati "
     "di ragione e di coscienza e devono agire gli uni verso gli altri in spirito di "
     "fratellanza."},
    {"de",
     "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft "
     "und Gewissen begabt und sollen einander im Geiste der Brüderlichkeit begegnen."},
    {"nl",
     "Alle mensen worden vrij en gelijk in waardigheid en rechten geboren. Zij zijn begiftigd "
     "met verstand en geweten, en behoren zich jegens elkander in een geest van broederschap "
     "te gedragen."},
    {"sv",
     "Alla människor är födda fria och lika i värde och rättigheter. De är utrustade med "
     "förnuft och samvete och bör handla gentemot varandra i en anda av broderskap."},
    {"fi",
     "Kaikki ihmiset syntyvät vapaina ja tasavertaisina arvoltaan ja oikeuksiltaan. Heille on "
     "annettu järki ja omatunto, ja heidän on toimittava toisiaan kohtaan veljeyden "
     "hengessä."},
    {"pl",
     "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw. Są oni "
     "obdarzeni rozumem i sumieniem i powinni postępować wobec innych w duchu braterstwa."},
    {"cs",
     "Všichni lidé rodí se svobodní a sobě rovní co do důstojnosti a práv. Jsou nadáni "
     "rozumem a svědomím a mají spolu jednat v duchu bratrství."},
    {"hu",
     "Minden emberi lény szabadon születik és egyenlő méltósága és joga van. Az emberek, "
     "ésszel és lelkiismerettel bírván, egymással szemben testvéri szellemben kell hogy "
     "viseltessenek."},
    {"ro",
     "Toate ființele umane se nasc libere și egale în demnitate și în drepturi. Ele sunt "
     "înzestrate cu rațiune și conștiință și trebuie să se comporte unele față de altele în "
     "spiritul fraternității."},
    {"tr",
     "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar. Akıl ve vicdana "
     "sahiptirler ve birbirlerine karşı kardeşlik zihniyeti ile hareket etmelidirler."},
    {"vi",
     "Tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền. Mọi con "
     "người đều được tạo hoá ban cho lý trí và lương tâm và cần phải đối xử với nhau trong "
     "tình bằng hữu."},
    {"sw",
     "Watu wote wamezaliwa huru, hadhi na haki zao ni sawa. Wote wamejaliwa akili na dhamiri, "
     "hivyo yapasa watendeane kindugu."},
    {"ru",
     "Все люди рождаются свободными и равными в своем достоинстве и правах. Они наделены "
     "разумом и совестью и должны поступать в отношении друг друга в духе братства."},
    {"uk",
     "Всі люди народжуються вільними і рівними у своїй гідності та правах. Вони наділені "
     "розумом і совістю і повинні діяти у відношенні один до одного в дусі братерства."},
    {"bg",
     "Всички хора се раждат свободни и равни по достойнство и права. Те са надарени с разум и "
     "съвест и следва да се отнасят помежду си в дух на братство."},
    {"ar",
     "يولد جميع الناس أحرارا متساوين في الكرامة والحقوق. وقد وهبوا عقلا وضميرا وعليهم أن يعامل "
     "بعضهم بعضا بروح الإخاء."},
    {"fa",
     "تمام افراد بشر آزاد به دنیا می آیند و از لحاظ حیثیت و حقوق با هم برابرند. همه دارای عقل و "
     "وجدان می باشند و باید نسبت به یکدیگر با روح برادری رفتار کنند."},
    {"ur",
     "تمام انسان آزاد اور حقوق و عزت کے اعتبار سے برابر پیدا ہوئے ہیں۔ انہیں ضمیر اور عقل ودیعت "
     "ہوئی ہے۔ اس لئے انہیں ایک دوسرے کے ساتھ بھائی چارے کا سلوک کرنا چاہئے۔"},
    {"hi", "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है।"},
    {"mr", "सर्व मानवी व्यक्ती जन्मतःच स्वतंत्र आहेत व त्यांना समान प्रतिष्ठा व समान अधिकार आहेत."},
    {"ne", "सबै व्यक्तिहरू जन्मजात स्वतन्त्र हुन् ती सबैको समान अधिकार र महत्व छ।"},
    {"ja", "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。"},
    {"zh",
     "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心，并应以兄弟关系的精神相对待。"},
    {"ko", "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다."},
    {"th", "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ"},
    {"he", "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם."},
    {"el", "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα."},
    {"ta", "மனிதப் பிறவியினர் சகலரும் சுதந்திரமாகவே பிறக்கின்றனர்"},
    {"bn", "সমস্ত মানুষ স্বাধীনভাবে সমান মর্যাদা এবং অধিকার নিয়ে জন্মগ্রহণ করে।"},
    {"pa", "ਸਾਰਾ ਮਨੁੱਖੀ ਪਰਿਵਾਰ ਆਪਣੀ ਮਹਿਮਾ, ਸ਼ਾਨ ਅਤੇ ਹੱਕਾਂ ਦੇ ਪੱਖੋਂ ਜਨਮ ਤੋਂ ਹੀ ਆਜ਼ਾਦ ਹੈ"},
};

TEST(LanguageDetectorTest, TellsOneArticleInManyLanguages) {
  for (const Sample& sample : kSamples) EXPECT_EQ(Detected(sample.text), sample.code);
}

TEST(LanguageDetectorTest, DoesNotMindCase) {
  EXPECT_EQ(Detected("ALLE MENSCHEN SIND FREI UND GLEICH AN WÜRDE UND RECHTEN GEBOREN."), "de");
}

TEST(LanguageDetectorTest, GoesByMostLetters) {
  EXPECT_EQ(Detected("GRPO и PPO — это алгоритмы обучения, которые мы сравним."), "ru");
  EXPECT_EQ(Detected("The word «дом» is Russian and means house."), "en");
  EXPECT_EQ(Detected("日本語の「漢字」"), "ja");
}

TEST(LanguageDetectorTest, SaysNothingWithoutLetters) {
  EXPECT_EQ(Detected(""), "");
  EXPECT_EQ(Detected("123 + 456 = 579 ★"), "");
}

TEST(LanguageDetectorTest, FindsLanguagesByCodeAndName) {
  EXPECT_EQ(FindLanguage("de")->name, "German");
  EXPECT_EQ(FindLanguage("GERMAN")->code, "de");
  EXPECT_EQ(FindLanguage("zh-cn")->code, "zh");
  EXPECT_EQ(FindLanguage("pt_BR")->code, "pt");
  EXPECT_EQ(FindLanguage("xx"), nullptr);
  EXPECT_EQ(FindLanguage(""), nullptr);
}

TEST(LanguageDetectorTest, ContradictsOnlyWithPlainEvidence) {
  const LanguageProfile& german = *FindLanguage("de");
  EXPECT_TRUE(ContradictsLanguage("This is what we have to do, and it is not easy.", german));
  EXPECT_FALSE(ContradictsLanguage("Das Buch „The Lord of the Rings“ ist nicht kurz.", german));
  EXPECT_FALSE(ContradictsLanguage("Max Mustermann, Berlin", german));
}

}  // namespace
}  // namespace grpo
