#include "reward/style/language_profiles.h"

#include "absl/strings/match.h"

namespace grpo {

// clang-format off
const std::vector<LanguageProfile>& LanguageProfiles() {
  static const auto* const profiles = new std::vector<LanguageProfile>{
      {"en", "English", Script::kLatin, "",
       "the of and a to in is that it was for on are as with his they be at this have from or had by "
       "but not what all were we when your can said there use an each which she do how their if "
       "will up other about out many then them these so some her would make like him into has my "
       "you he i its our no been who more me us should any let don t s re ve"},
      {"es", "Spanish", Script::kLatin, "áéíóúüñ",
       "de la que el en y a los se del las un por con no una su para es al lo como más o pero sus "
       "le ha me si sin sobre este ya entre cuando todo esta ser son dos también fue había era muy "
       "años hasta desde está mi porque qué sólo han yo hay vez puede todos así nos ni parte tiene "
       "él uno donde bien tu te eso ese muchos"},
      {"pt", "Portuguese", Script::kLatin, "áâãàçéêíóôõúü",
       "de a o que e do da em um para é com não uma os no se na por mais as dos como mas foi ao "
       "ele das tem à seu sua ou ser quando muito há nos já está eu também só pelo pela até isso "
       "ela entre era depois sem mesmo aos ter seus quem nas me esse eles estão você tinha foram "
       "essa num nem suas meu às minha têm numa pelos são sobre"},
      {"fr", "French", Script::kLatin, "àâæçéèêëîïôœùûüÿ",
       "de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se ce il "
       "sont avec son ou sa mais nous comme être cette ont si leur on vous aux fait l d qu c n s "
       "je elle tout même aussi ces ses été ils très bien sans peut entre faire après avoir notre "
       "votre mon y où j m tu donc"},
      {"it", "Italian", Script::kLatin, "àèéìíîòóùú",
       "di e il la che in a un per è non una sono del si le con i da come della lo più dei al nel "
       "ha alla gli ma anche delle se mi o questo su ci loro stato era io tutto molto quando fatto "
       "essere suo sua dalla nella perché hanno ho cosa tra questa nei cui degli ed ti noi tutti "
       "senza così c l d dell all poi può"},
      {"ca", "Catalan", Script::kLatin, "àçéèíïóòúü",
       "de la i el que a en els les del per un una amb és no al es com més va són dels aquest "
       "també però seva han seu ser aquesta entre o l d s ha ho si molt sobre tot quan pel pels "
       "aquests perquè fins on hi n he sense nous anys fer està dos meva"},
      {"ro", "Romanian", Script::kLatin, "ăâîșțşţ",
       "de și şi în a la cu pe o un nu că este din să pentru care mai se ca sa au fost lui dar "
       "sunt ale ce al le prin sau fi după îi eu ei lor cel am fără este toate poate foarte când "
       "noi el ea dacă această acest unei unui aceasta are era"},
      {"de", "German", Script::kLatin, "äöüß",
       "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es "
       "an werden aus er hat dass sie nach wird bei einer um am sind noch wie einem über einen so "
       "zum war haben nur oder aber vor zur bis mehr durch man sein wurde wenn ich wir ihr kann "
       "diese dieser uns mein ihre du mich dich alle unter"},
      {"nl", "Dutch", Script::kLatin, "éëïóèüê",
       "de van het een en in is dat op te zijn met voor niet die er aan om ook als maar dan bij "
       "nog naar uit wordt door heeft tot hij ze wat worden over kan meer was deze ik je ze geen "
       "werd hun dit hebben of we wel zich moet zo al onder daar veel mijn onze jij u hier waar"},
      {"sv", "Swedish", Script::kLatin, "åäöé",
       "och i att det som en på är av för med den till inte har de ett om var men sig så jag från "
       "vi han kan när eller under hade ut mot efter också hon där vid sin nu över alla mycket "
       "skulle bara sedan sina andra utan vara detta dem man än här din mitt ska du ni er"},
      {"da", "Danish", Script::kLatin, "æøåé",
       "og i at det er en til af på som for med den de har ikke et der var om men sig så jeg fra "
       "vi han kan når eller efter også hun ved være blev mod nu over alle meget skulle kun sine "
       "andre uden dette dem man hvor mig dig af hvad have blive bliver nogle hvis min noget"},
      {"no", "Norwegian", Script::kLatin, "æøåéòô",
       "og i det er en til av på som for med den de har ikke et at var om men seg så jeg fra vi "
       "han kan når eller etter også hun ved være ble mot nå over alle mye skulle bare sine andre "
       "uten dette dem man hvor meg deg hva blir noen hvis min noe etter denne opp da vil inn"},
      {"fi", "Finnish", Script::kLatin, "äöå",
       "ja on ei se että hän oli ovat mutta joka kun niin myös tai kuin sen ole hänen sekä mukaan "
       "jos voi vain sitä jo nyt jotka tämä mitä vielä sitten minä mikä siitä ne tämän he olen "
       "oma olla noin ennen kanssa ollut sinä me te mukaan kaikki tässä siellä jälkeen koska"},
      {"et", "Estonian", Script::kLatin, "äöüõšž",
       "ja on ei et see kui ka oli ta mis aga või oma selle seda kes nii siis ning veel välja ma "
       "pole ole olid üle juba pärast mida ta tema kuid nagu kõik nad olla saab me väga siin neid "
       "mitte sest peab selles aasta vaid"},
      {"hu", "Hungarian", Script::kLatin, "áéíóöőúüű",
       "a az és hogy nem is egy azt meg ez de ha van volt csak már még mint el én ezt ki be vagy "
       "mert le sem lesz minden fel kell lehet nagy után ő itt most így aki ami akkor igen mi te "
       "között során valamint olyan szerint pedig több"},
      {"pl", "Polish", Script::kLatin, "ąćęłńóśźż",
       "i w na z się nie do to że jest o a jak po co tak za od ale już ich jego przez tym są dla "
       "czy było ma które który która tylko być był można tego jej może oraz go przy też pod bardzo "
       "lub przed kiedy mnie ty ja my nas sobie także więc jako gdy bez by ze"},
      {"cs", "Czech", Script::kLatin, "áčďéěíňóřšťúůýž",
       "a v se na je že s z do o to i jako za ve který jsou byl podle ale by ze po tak pro od není "
       "co jsem když nebo také však už jeho které která aby při své jen být bylo má až kde si jak "
       "nás této mezi může jejich pokud před bude jste vám všechny nejsou"},
      {"sk", "Slovak", Script::kLatin, "áäčďéíĺľňóôŕšťúýž",
       "a v sa na je že s z do o to aj ako za vo ktorý sú bol podľa ale by zo po tak pre od nie čo "
       "som keď alebo tiež však už jeho ktoré ktorá aby pri svoje len byť bolo má až kde si ak nás "
       "medzi môže ich pred bude ste vám všetky nie sme"},
      {"sl", "Slovenian", Script::kLatin, "čšž",
       "in je v na se da za so ki z ne pa s o po tudi kot od pri bi bil do ni lahko še iz ali "
       "bila bilo zaradi med če sem si tako pred že več samo kar jih ko leta ter biti svoje tem "
       "vse to smo ste nekaj"},
      {"hr", "Croatian", Script::kLatin, "čćđšž",
       "i u je na se da za su od s a o koji kao to ne što iz bi ili ali do će po te nije samo kako "
       "više koja koje sve bio biti bila još može sam si ako kada prema tako nakon zbog između "
       "njihov jer već ga mu smo ste naš"},
      {"tr", "Turkish", Script::kLatin, "çğıöşüâîû",
       "ve bir bu da de için ile çok daha olarak gibi olan kadar sonra en ne ben o var mi değil "
       "ancak her ise ya ki ama şey biz sen olduğunu olduğu tarafından bütün yok eden ona onun "
       "göre diye bunu önce benim bile hem nasıl zaman olur"},
      {"sw", "Swahili", Script::kLatin, "",
       "na ya wa kwa ni katika za la kuwa cha yake hii pia ili kama lakini wao watu hiyo kwamba "
       "huu mwa vya hivyo baada huo kila wakati bila sana zaidi au wake yao mimi wewe yeye sisi "
       "kutoka hadi hizo ambayo ambao moja mtu si yangu wangu alikuwa ana kufanya kwenye"},
      {"vi", "Vietnamese", Script::kLatin,
       "àáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵ",
       "và của là có không được cho các một trong với người những để đã này khi đến từ về cũng như "
       "ở ra nhiều sẽ tôi anh bạn trên vào nhưng lại phải hơn thì chỉ năm nó làm mà theo hoặc rất "
       "bị nếu hay việc đó chúng ta em con"},
      {"id", "Indonesian", Script::kLatin, "",
       "yang dan di untuk dengan pada ini dari dalam itu tidak akan adalah oleh juga ke atau "
       "sebagai dapat ada bisa telah kami kita mereka saya anda karena lebih sudah seperti tersebut "
       "bahwa hanya saat namun menjadi para secara sangat harus jika belum banyak antara"},
      {"tl", "Tagalog", Script::kLatin, "ñ",
       "ang ng sa na mga ay at para ito siya hindi ko mo niya kung may nang lang ka ako po namin "
       "natin kanyang iyon dahil kaya din rin pa ni si isang o ikaw kami tayo sila wala kapag "
       "upang mula bilang pag naman aming ating"},
      {"lt", "Lithuanian", Script::kLatin, "ąčęėįšųūž",
       "ir yra į kad iš su tai kaip bet jis ne o tik apie už buvo jo nuo dėl prie per dar ar labai "
       "jau taip jei savo arba aš mes jūs kurie kuris gali būti buvo nėra tačiau po bei šis mūsų "
       "jų ji taip pat"},
      {"lv", "Latvian", Script::kLatin, "āčēģīķļņšūž",
       "un ir no ar par uz ka kas tas bet tika kā lai pēc arī to vai ko bija gan viņš nav vēl tikai "
       "pie jau es mēs jūs šo viņa ļoti savu līdz ja būt tad kad tiek šis gada vairāk"},
      {"sq", "Albanian", Script::kLatin, "çë",
       "dhe në të e i një për me që është nga u më se nuk do ka si kjo ky janë por duke ishte edhe "
       "kanë tij ai saj prej mund këtë pas ose vetëm shumë tyre ajo duhet jo unë ne ju"},
      {"af", "Afrikaans", Script::kLatin, "êëéôûïö",
       "die en van in is het dat nie n te op vir met aan om sy was hy wat word as ek by ook kan "
       "sal deur uit ons na maar hulle so baie moet haar meer of tot jy jou kon hierdie daar toe"},
      {"cy", "Welsh", Script::kLatin, "âêîôûŵŷáéíóúäëïö",
       "y yn i a o ar ei yr am wedi mae gan hyn ond gyda oedd fod eu bod roedd at fel hefyd un "
       "sydd neu wrth rhwng cael mewn sy hwn nid dros gael pan yw ac gyfer eich ein"},
      {"so", "Somali", Script::kLatin, "",
       "oo iyo ka ku ee in la waa u soo ay uu si ah waxaa aan ayaa waxa ama sida inay isaga dhan "
       "kale wax badan kuwa laga mid lahaa jiray leh tahay markii inuu kaas balse haddii"},
      {"ru", "Russian", Script::kCyrillic, "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
       "и в не на я что он с как это по но они мы она к у вы за из для от так о же бы все его "
       "только если или когда быть есть был который уже еще ещё может до ее её их чтобы были при "
       "этого нет очень даже где также без меня того тем этот мне"},
      {"uk", "Ukrainian", Script::kCyrillic, "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
       "і в не на я що він з як це по але вони ми вона до у ви за із для від так о ж би все його "
       "тільки якщо або коли бути є був який вже ще може їх щоб були при цього та немає дуже навіть "
       "де також без мене того й цей про із"},
      {"bg", "Bulgarian", Script::kCyrillic, "абвгдежзийклмнопрстуфхцчшщъьюя",
       "и в на да не се за от че с по е са си ще като това аз но до ми го съм ние то той така тя "
       "при или има които който към може беше без бъде след също само те му през както още много "
       "ни вие тази този тези ако със във"},
      {"mk", "Macedonian", Script::kCyrillic, "абвгдѓежзѕијклљмнњопрстќуфхцчџш",
       "и на во се да од за не со е што ќе го како ги тоа но по јас ни кои која ја си беше или ова "
       "може само така тој таа биде сите овој кој при до уште многу има меѓу исто бил сум нив"},
      {"ar", "Arabic", Script::kArabic, "ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىي",
       "في من على إلى أن التي ما لا هذا هذه عن مع الذي كان كل أو قد بين ذلك لم هو هي كما بعد كانت "
       "حيث عند ثم إن غير حتى أي يمكن يتم نحن أنا كنت لك إذا خلال أكثر لكن هناك أيضا أيضًا يا"},
      {"fa", "Persian", Script::kArabic, "ءآأؤئابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی",
       "و در به از که این را با است برای آن یک خود تا کرد بر هم نیز شده بود شد اما یا ها می های من "
       "ما شما او هر باید اگر کند آنها دارد همه بسیار شود چه پس نمی دو دیگر باشد کنید ای نیست"},
      {"ur", "Urdu", Script::kArabic, "ءآأؤئابپتٹثجچحخدڈذرڑزژسشصضطظعغفقکگلمنںوہھۂیے",
       "کے کی میں ہے اور سے کا کو اس ہیں نے پر کہ یہ بھی ایک تھا کر کیا جو ہو تو وہ نہیں ان ہم تھے "
       "تھی گیا لیے کرنے آپ جا رہا اپنے ساتھ بعد ہی ہوتا لئے کوئی یا دیا گے کرتے سب مجھے میری"},
      {"hi", "Hindi", Script::kDevanagari, "",
       "के में है की से का को और एक यह पर हैं ने कि भी इस हो कर तो जो ही था लिए नहीं या वह अपने "
       "साथ थे कुछ गया बाद किया मैं हम आप उनके इसके रहा सकते तक वे करने होता थी अगर जब मुझे मेरे"},
      {"mr", "Marathi", Script::kDevanagari, "",
       "आहे आणि या च ते हा ही तो मध्ये होते असे आहेत व एक मी नाही की त्या त्यांनी करून केले म्हणून "
       "होता होती आपण तर हे केली काही मला आपल्या त्याच्या तुम्ही ती किंवा पण साठी असते करण्यासाठी "
       "आम्ही खूप सर्व झाली जर कारण आपली"},
      {"ne", "Nepali", Script::kDevanagari, "",
       "छ र को मा यो पनि ले भएको गर्न हो छन् एक लागि तथा गरेको थियो भने हुन्छ त्यो म हामी तपाईं यस "
       "धेरै गर्ने भन्ने अनि तर सबै हुने गरी नै गर्छ लाई बाट संग सँग छैन हाम्रो मेरो हुनुहुन्छ गर्नुहोस् के"},
      {"el", "Greek", Script::kGreek, "", ""},
      {"he", "Hebrew", Script::kHebrew, "", ""},
      {"bn", "Bengali", Script::kBengali, "", ""},
      {"pa", "Punjabi", Script::kGurmukhi, "", ""},
      {"gu", "Gujarati", Script::kGujarati, "", ""},
      {"ta", "Tamil", Script::kTamil, "", ""},
      {"te", "Telugu", Script::kTelugu, "", ""},
      {"kn", "Kannada", Script::kKannada, "", ""},
      {"ml", "Malayalam", Script::kMalayalam, "", ""},
      {"th", "Thai", Script::kThai, "", ""},
      {"ko", "Korean", Script::kHangul, "", ""},
      {"ja", "Japanese", Script::kKana, "", ""},
      {"zh", "Chinese", Script::kHan, "", ""},
  };
  return *profiles;
}
// clang-format on

const LanguageProfile* FindLanguage(absl::string_view code_or_name) {
  const absl::string_view code = code_or_name.substr(0, code_or_name.find_first_of("-_"));
  for (const LanguageProfile& profile : LanguageProfiles()) {
    if (absl::EqualsIgnoreCase(code, profile.code) ||
        absl::EqualsIgnoreCase(code_or_name, profile.name)) {
      return &profile;
    }
  }
  return nullptr;
}

}  // namespace grpo
