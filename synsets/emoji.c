/*
 * emoji - pictures that name a thing: which text of the index each stands for.
 *
 * Only pictures of things that a class or a kind is; faces, hearts and hands mean feelings. `casual` marks
 * those that people send as a remark far more often than as a wish (a goat is "the greatest of all time", a
 * cap a lie): they count only where the bot is spoken to. Skin tones, hair and variation selectors do not
 * matter, and of a sequence held together by joiners the first picture counts: a service dog is a dog. The
 * comments are Unicode's names.
 */
#include <string.h>

#include "common/mem.h"
#include "synsets/index.h"

enum { JOINER = 0x200d, BEAR = 0x1f43b, SNOWFLAKE = 0x2744 };

/* clang-format off */
const struct synsets_emoji synsets_emojis[] = {
    {0x231a, false, "digital watch"}, /* watch */
    {0x231b, false, "hourglass"}, /* hourglass */
    {0x2328, false, "keyboard"}, /* keyboard */
    {0x23f0, false, "clock"}, /* alarm clock */
    {0x23f1, false, "stopwatch"}, /* stopwatch */
    {0x23f3, true, "hourglass"}, /* hourglass with flowing sand */
    {0x2602, false, "umbrella"}, /* umbrella */
    {0x260e, false, "dial telephone"}, /* black telephone */
    {0x2614, false, "umbrella"}, /* umbrella with rain drops */
    {0x2615, true, "espresso"}, /* hot beverage */
    {0x2692, false, "hammer"}, /* hammer and pick */
    {0x26b1, false, "vase"}, /* funeral urn */
    {0x26bd, false, "soccer ball"}, /* soccer ball */
    {0x26be, false, "baseball"}, /* baseball */
    {0x26d1, false, "helmet"}, /* helmet with white cross */
    {0x26e9, false, "house of worship"}, /* shinto shrine */
    {0x26ea, false, "church"}, /* church */
    {0x26f0, false, "mountain"}, /* mountain */
    {0x26f1, false, "umbrella"}, /* umbrella on ground */
    {0x26f2, false, "fountain"}, /* fountain */
    {0x26f3, false, "golf ball"}, /* flag in hole */
    {0x26f4, false, "boat"}, /* ferry */
    {0x26f5, false, "yawl"}, /* sailboat */
    {0x26fa, false, "mountain tent"}, /* tent */
    {0x26fd, false, "gas pump"}, /* fuel pump */
    {0x2708, false, "airliner"}, /* airplane */
    {0x270f, false, "pencil"}, /* pencil */
    {0x2712, false, "fountain pen"}, /* black nib */
    {0x1f302, false, "umbrella"}, /* closed umbrella */
    {0x1f309, false, "suspension bridge"}, /* bridge at night */
    {0x1f30b, false, "volcano"}, /* volcano */
    {0x1f32d, false, "hotdog"}, /* hot dog */
    {0x1f32f, false, "burrito"}, /* burrito */
    {0x1f330, false, "horse chestnut"}, /* chestnut */
    {0x1f332, false, "tree"}, /* evergreen tree */
    {0x1f336, false, "pepper"}, /* hot pepper */
    {0x1f338, false, "flower"}, /* cherry blossom */
    {0x1f339, false, "rose"}, /* rose */
    {0x1f33a, false, "flower"}, /* hibiscus */
    {0x1f33c, false, "daisy"}, /* blossom */
    {0x1f33d, false, "corn"}, /* ear of maize */
    {0x1f33e, false, "hay"}, /* ear of rice */
    {0x1f344, false, "mushroom"}, /* mushroom */
    {0x1f347, false, "fruit"}, /* grapes */
    {0x1f348, false, "fruit"}, /* melon */
    {0x1f34a, false, "orange"}, /* tangerine */
    {0x1f34b, false, "lemon"}, /* lemon */
    {0x1f34c, false, "banana"}, /* banana */
    {0x1f34d, false, "pineapple"}, /* pineapple */
    {0x1f34e, false, "apple"}, /* red apple */
    {0x1f34f, false, "granny smith"}, /* green apple */
    {0x1f353, false, "strawberry"}, /* strawberry */
    {0x1f354, false, "cheeseburger"}, /* hamburger */
    {0x1f355, false, "pizza"}, /* slice of pizza */
    {0x1f356, false, "meat loaf"}, /* meat on bone */
    {0x1f35c, false, "soup bowl"}, /* steaming bowl */
    {0x1f35d, false, "carbonara"}, /* spaghetti */
    {0x1f35e, false, "french loaf"}, /* bread */
    {0x1f366, false, "ice cream"}, /* soft ice cream */
    {0x1f367, false, "ice cream"}, /* shaved ice */
    {0x1f368, false, "ice cream"}, /* ice cream */
    {0x1f36b, false, "chocolate"}, /* chocolate bar */
    {0x1f36d, false, "lollipop"}, /* lollipop */
    {0x1f36e, false, "trifle"}, /* custard */
    {0x1f370, false, "trifle"}, /* shortcake */
    {0x1f372, false, "hot pot"}, /* pot of food */
    {0x1f373, false, "frying pan"}, /* cooking */
    {0x1f375, false, "cup"}, /* teacup without handle */
    {0x1f376, false, "wine bottle"}, /* sake bottle and cup */
    {0x1f377, false, "red wine"}, /* wine glass */
    {0x1f37a, false, "beer glass"}, /* beer mug */
    {0x1f37b, false, "beer glass"}, /* clinking beer mugs */
    {0x1f37c, false, "bottle"}, /* baby bottle */
    {0x1f37d, false, "plate"}, /* fork and knife with plate */
    {0x1f37e, false, "wine bottle"}, /* bottle with popping cork */
    {0x1f383, false, "jack o lantern"}, /* jack-o-lantern */
    {0x1f388, false, "balloon"}, /* balloon */
    {0x1f392, false, "backpack"}, /* school satchel */
    {0x1f393, true, "mortarboard"}, /* graduation cap */
    {0x1f39e, false, "projector"}, /* film frames */
    {0x1f3a0, false, "carousel"}, /* carousel horse */
    {0x1f3a1, false, "wheel"}, /* ferris wheel */
    {0x1f3a3, false, "reel"}, /* fishing pole and fish */
    {0x1f3a4, true, "microphone"}, /* microphone */
    {0x1f3a9, false, "hat"}, /* top hat */
    {0x1f3aa, false, "tent"}, /* circus tent */
    {0x1f3ad, true, "mask"}, /* performing arts */
    {0x1f3b0, false, "slot"}, /* slot machine */
    {0x1f3b1, false, "pool table"}, /* billiards */
    {0x1f3b7, false, "sax"}, /* saxophone */
    {0x1f3b8, false, "guitar"}, /* guitar */
    {0x1f3b9, false, "piano"}, /* musical keyboard */
    {0x1f3ba, false, "trumpet"}, /* trumpet */
    {0x1f3bb, false, "violin"}, /* violin */
    {0x1f3be, false, "tennis ball"}, /* tennis racquet and ball */
    {0x1f3bf, false, "ski"}, /* ski and ski boot */
    {0x1f3c0, false, "basketball"}, /* basketball and hoop */
    {0x1f3c8, false, "football"}, /* american football */
    {0x1f3c9, false, "rugby ball"}, /* rugby football */
    {0x1f3cb, false, "barbell"}, /* weight lifter */
    {0x1f3cd, false, "motorcycle"}, /* racing motorcycle */
    {0x1f3ce, false, "racer"}, /* racing car */
    {0x1f3d0, false, "volleyball"}, /* volleyball */
    {0x1f3d2, false, "puck"}, /* ice hockey stick and puck */
    {0x1f3d3, false, "ping pong ball"}, /* table tennis paddle and ball */
    {0x1f3d4, false, "mountain"}, /* snow capped mountain */
    {0x1f3d6, false, "seashore"}, /* beach with umbrella */
    {0x1f3da, false, "barn"}, /* derelict house building */
    {0x1f3db, false, "building"}, /* classical building */
    {0x1f3dd, false, "seashore"}, /* desert island */
    {0x1f3e0, false, "house"}, /* house building */
    {0x1f3e1, false, "house"}, /* house with garden */
    {0x1f3e5, false, "building"}, /* hospital */
    {0x1f3ea, false, "grocery store"}, /* convenience store */
    {0x1f3ef, false, "castle"}, /* japanese castle */
    {0x1f3f0, false, "castle"}, /* european castle */
    {0x1f3f9, false, "bow"}, /* bow and arrow */
    {0x1f3fa, false, "vase"}, /* amphora */
    {0x1f402, false, "ox"}, /* ox */
    {0x1f403, false, "water buffalo"}, /* water buffalo */
    {0x1f404, false, "ox"}, /* cow */
    {0x1f405, false, "tiger"}, /* tiger */
    {0x1f406, false, "leopard"}, /* leopard */
    {0x1f407, false, "rabbit"}, /* rabbit */
    {0x1f408, false, "cat"}, /* cat */
    {0x1f40a, false, "crocodile"}, /* crocodile */
    {0x1f40b, false, "whale"}, /* whale */
    {0x1f40c, false, "snail"}, /* snail */
    {0x1f40d, true, "snake"}, /* snake */
    {0x1f40e, false, "horse"}, /* horse */
    {0x1f40f, false, "ram"}, /* ram */
    {0x1f410, true, "goat"}, /* goat */
    {0x1f411, false, "sheep"}, /* sheep */
    {0x1f412, false, "monkey"}, /* monkey */
    {0x1f413, false, "cock"}, /* rooster */
    {0x1f414, false, "hen"}, /* chicken */
    {0x1f415, false, "dog"}, /* dog */
    {0x1f416, false, "hog"}, /* pig */
    {0x1f417, false, "wild boar"}, /* boar */
    {0x1f418, false, "elephant"}, /* elephant */
    {0x1f41a, false, "conch"}, /* spiral shell */
    {0x1f41b, false, "insect"}, /* bug */
    {0x1f41c, false, "ant"}, /* ant */
    {0x1f41d, false, "bee"}, /* honeybee */
    {0x1f41e, false, "ladybug"}, /* lady beetle */
    {0x1f41f, false, "fish"}, /* fish */
    {0x1f420, false, "fish"}, /* tropical fish */
    {0x1f421, false, "puffer"}, /* blowfish */
    {0x1f422, false, "turtle"}, /* turtle */
    {0x1f423, false, "bird"}, /* hatching chick */
    {0x1f424, false, "bird"}, /* baby chick */
    {0x1f425, false, "bird"}, /* front-facing baby chick */
    {0x1f426, false, "bird"}, /* bird */
    {0x1f427, false, "penguin"}, /* penguin */
    {0x1f428, false, "koala"}, /* koala */
    {0x1f429, false, "poodle"}, /* poodle */
    {0x1f42a, false, "arabian camel"}, /* dromedary camel */
    {0x1f42b, false, "camel"}, /* bactrian camel */
    {0x1f42e, false, "ox"}, /* cow face */
    {0x1f42f, false, "tiger"}, /* tiger face */
    {0x1f430, false, "rabbit"}, /* rabbit face */
    {0x1f431, false, "cat"}, /* cat face */
    {0x1f432, false, "komodo dragon"}, /* dragon face */
    {0x1f433, false, "whale"}, /* spouting whale */
    {0x1f434, false, "horse"}, /* horse face */
    {0x1f435, false, "monkey"}, /* monkey face */
    {0x1f436, false, "dog"}, /* dog face */
    {0x1f437, false, "hog"}, /* pig face */
    {0x1f438, false, "frog"}, /* frog face */
    {0x1f439, false, "hamster"}, /* hamster face */
    {0x1f43a, false, "wolf"}, /* wolf face */
    {0x1f43b, false, "bear"}, /* bear face */
    {0x1f43c, false, "panda"}, /* panda face */
    {0x1f43f, false, "fox squirrel"}, /* chipmunk */
    {0x1f452, false, "hat"}, /* womans hat */
    {0x1f453, true, "glasses"}, /* eyeglasses */
    {0x1f454, false, "windsor tie"}, /* necktie */
    {0x1f455, false, "t shirt"}, /* t-shirt */
    {0x1f456, false, "jean"}, /* jeans */
    {0x1f457, false, "gown"}, /* dress */
    {0x1f458, false, "kimono"}, /* kimono */
    {0x1f459, false, "bikini"}, /* bikini */
    {0x1f45b, false, "purse"}, /* purse */
    {0x1f45c, false, "purse"}, /* handbag */
    {0x1f45d, false, "purse"}, /* pouch */
    {0x1f45e, false, "shoe"}, /* mans shoe */
    {0x1f45f, false, "running shoe"}, /* athletic shoe */
    {0x1f460, false, "shoe"}, /* high-heeled shoe */
    {0x1f461, false, "sandal"}, /* womans sandal */
    {0x1f462, false, "boot"}, /* womans boots */
    {0x1f484, false, "lipstick"}, /* lipstick */
    {0x1f488, false, "barbershop"}, /* barber pole */
    {0x1f489, false, "syringe"}, /* syringe */
    {0x1f48a, true, "pill bottle"}, /* pill */
    {0x1f490, false, "flower"}, /* bouquet */
    {0x1f4a1, true, "light"}, /* electric light bulb */
    {0x1f4bb, true, "laptop"}, /* personal computer */
    {0x1f4bc, false, "bag"}, /* briefcase */
    {0x1f4bd, false, "disk"}, /* minidisc */
    {0x1f4be, false, "disk"}, /* floppy disk */
    {0x1f4bf, false, "disk"}, /* optical disc */
    {0x1f4c0, false, "disk"}, /* dvd */
    {0x1f4cf, false, "rule"}, /* straight ruler */
    {0x1f4d2, false, "notebook"}, /* ledger */
    {0x1f4d3, false, "notebook"}, /* notebook */
    {0x1f4d5, false, "book"}, /* closed book */
    {0x1f4d6, false, "book"}, /* open book */
    {0x1f4de, false, "telephone"}, /* telephone receiver */
    {0x1f4e1, false, "radio telescope"}, /* satellite antenna */
    {0x1f4e6, false, "carton"}, /* package */
    {0x1f4ea, false, "mailbox"}, /* closed mailbox with lowered flag */
    {0x1f4eb, false, "mailbox"}, /* closed mailbox with raised flag */
    {0x1f4ec, false, "mailbox"}, /* open mailbox with raised flag */
    {0x1f4ed, false, "mailbox"}, /* open mailbox with lowered flag */
    {0x1f4ee, false, "mailbox"}, /* postbox */
    {0x1f4f1, false, "cellphone"}, /* mobile phone */
    {0x1f4f7, false, "camera"}, /* camera */
    {0x1f4f8, true, "camera"}, /* camera with flash */
    {0x1f4fa, false, "television"}, /* television */
    {0x1f4fb, false, "radio"}, /* radio */
    {0x1f4fd, false, "projector"}, /* film projector */
    {0x1f4ff, false, "necklace"}, /* prayer beads */
    {0x1f50d, true, "magnifier"}, /* left-pointing magnifying glass */
    {0x1f50e, true, "magnifier"}, /* right-pointing magnifying glass */
    {0x1f510, false, "combination lock"}, /* closed lock with key */
    {0x1f511, true, "key"}, /* key */
    {0x1f512, true, "padlock"}, /* lock */
    {0x1f513, true, "padlock"}, /* open lock */
    {0x1f514, true, "bell"}, /* bell */
    {0x1f526, true, "light"}, /* electric torch */
    {0x1f528, false, "hammer"}, /* hammer */
    {0x1f529, false, "screw"}, /* nut and bolt */
    {0x1f52a, true, "knife"}, /* hocho */
    {0x1f52b, true, "gun"}, /* pistol */
    {0x1f52c, false, "microscope"}, /* microscope */
    {0x1f52d, false, "telescope"}, /* telescope */
    {0x1f54a, false, "bird"}, /* dove of peace */
    {0x1f54c, false, "mosque"}, /* mosque */
    {0x1f54d, false, "house of worship"}, /* synagogue */
    {0x1f56f, false, "candle"}, /* candle */
    {0x1f570, false, "wall clock"}, /* mantelpiece clock */
    {0x1f576, true, "sunglasses"}, /* dark sunglasses */
    {0x1f577, false, "spider"}, /* spider */
    {0x1f578, false, "spider web"}, /* spider web */
    {0x1f579, false, "joystick"}, /* joystick */
    {0x1f58a, false, "ballpoint"}, /* lower left ballpoint pen */
    {0x1f58b, false, "fountain pen"}, /* lower left fountain pen */
    {0x1f5a5, false, "desktop computer"}, /* desktop computer */
    {0x1f5a8, false, "printer"}, /* printer */
    {0x1f5b1, false, "computer mouse"}, /* three button mouse */
    {0x1f5c4, false, "file"}, /* file cabinet */
    {0x1f5d1, true, "ashcan"}, /* wastebasket */
    {0x1f5e1, true, "knife"}, /* dagger knife */
    {0x1f5fb, false, "volcano"}, /* mount fuji */
    {0x1f5fc, false, "tower"}, /* tokyo tower */
    {0x1f5ff, false, "megalith"}, /* moyai */
    {0x1f637, true, "mask"}, /* face with medical mask */
    {0x1f680, true, "space shuttle"}, /* rocket */
    {0x1f682, false, "steam locomotive"}, /* steam locomotive */
    {0x1f683, false, "passenger car"}, /* railway car */
    {0x1f684, false, "bullet train"}, /* high-speed train */
    {0x1f685, false, "bullet train"}, /* high-speed train with bullet nose */
    {0x1f686, false, "train"}, /* train */
    {0x1f687, false, "train"}, /* metro */
    {0x1f68a, false, "streetcar"}, /* tram */
    {0x1f68b, false, "streetcar"}, /* tram car */
    {0x1f68c, false, "bus"}, /* bus */
    {0x1f68d, false, "bus"}, /* oncoming bus */
    {0x1f68e, false, "trolleybus"}, /* trolleybus */
    {0x1f690, false, "minivan"}, /* minibus */
    {0x1f691, false, "ambulance"}, /* ambulance */
    {0x1f692, false, "fire engine"}, /* fire engine */
    {0x1f693, false, "police van"}, /* police car */
    {0x1f695, false, "cab"}, /* taxi */
    {0x1f696, false, "cab"}, /* oncoming taxi */
    {0x1f697, false, "car"}, /* automobile */
    {0x1f698, false, "car"}, /* oncoming automobile */
    {0x1f699, false, "jeep"}, /* recreational vehicle */
    {0x1f69a, false, "moving van"}, /* delivery truck */
    {0x1f69b, false, "trailer truck"}, /* articulated lorry */
    {0x1f69c, false, "tractor"}, /* tractor */
    {0x1f6a1, false, "gondola"}, /* aerial tramway */
    {0x1f6a2, false, "ship"}, /* ship */
    {0x1f6a4, false, "speedboat"}, /* speedboat */
    {0x1f6a5, false, "traffic light"}, /* horizontal traffic light */
    {0x1f6a6, false, "traffic light"}, /* vertical traffic light */
    {0x1f6a8, true, "beacon"}, /* police cars revolving light */
    {0x1f6a9, false, "flagpole"}, /* triangular flag on post */
    {0x1f6aa, true, "door"}, /* door */
    {0x1f6b2, false, "bicycle"}, /* bicycle */
    {0x1f6bd, false, "toilet seat"}, /* toilet */
    {0x1f6bf, false, "shower curtain"}, /* shower */
    {0x1f6c1, false, "bathtub"}, /* bathtub */
    {0x1f6cb, false, "couch"}, /* couch and lamp */
    {0x1f6cd, false, "bag"}, /* shopping bags */
    {0x1f6ce, false, "bell"}, /* bellhop bell */
    {0x1f6cf, true, "bed"}, /* bed */
    {0x1f6d1, false, "street sign"}, /* octagonal sign */
    {0x1f6d2, false, "shopping cart"}, /* shopping trolley */
    {0x1f6d6, false, "yurt"}, /* hut */
    {0x1f6de, false, "car wheel"}, /* wheel */
    {0x1f6e0, false, "hammer"}, /* hammer and wrench */
    {0x1f6e1, true, "shield"}, /* shield */
    {0x1f6e2, false, "barrel"}, /* oil drum */
    {0x1f6e5, false, "speedboat"}, /* motor boat */
    {0x1f6e9, false, "airliner"}, /* small airplane */
    {0x1f6f0, false, "satellite"}, /* satellite */
    {0x1f6f3, false, "liner"}, /* passenger ship */
    {0x1f6f4, false, "scooter"}, /* scooter */
    {0x1f6f5, false, "motor scooter"}, /* motor scooter */
    {0x1f6f6, false, "canoe"}, /* canoe */
    {0x1f6f7, false, "bobsled"}, /* sled */
    {0x1f6fb, false, "pickup"}, /* pickup truck */
    {0x1f93f, false, "snorkel"}, /* diving mask */
    {0x1f941, false, "drum"}, /* drum with drumsticks */
    {0x1f944, false, "spoon"}, /* spoon */
    {0x1f94a, true, "punching bag"}, /* boxing glove */
    {0x1f94b, false, "uniform"}, /* martial arts uniform */
    {0x1f952, false, "cucumber"}, /* cucumber */
    {0x1f954, false, "potato"}, /* potato */
    {0x1f956, false, "french loaf"}, /* baguette bread */
    {0x1f958, false, "hot pot"}, /* shallow pan of food */
    {0x1f95c, false, "acorn"}, /* peanuts */
    {0x1f963, false, "soup bowl"}, /* bowl with spoon */
    {0x1f964, false, "cup"}, /* cup with straw */
    {0x1f966, false, "broccoli"}, /* broccoli */
    {0x1f968, false, "pretzel"}, /* pretzel */
    {0x1f969, false, "meat loaf"}, /* cut of meat */
    {0x1f96a, false, "sandwich"}, /* sandwich */
    {0x1f96c, false, "cabbage"}, /* leafy green */
    {0x1f96f, false, "bagel"}, /* bagel */
    {0x1f97c, false, "lab coat"}, /* lab coat */
    {0x1f97e, false, "cowboy boot"}, /* hiking boot */
    {0x1f980, false, "crab"}, /* crab */
    {0x1f981, false, "lion"}, /* lion face */
    {0x1f982, false, "scorpion"}, /* scorpion */
    {0x1f985, false, "eagle"}, /* eagle */
    {0x1f986, false, "duck"}, /* duck */
    {0x1f988, false, "shark"}, /* shark */
    {0x1f989, false, "owl"}, /* owl */
    {0x1f98a, false, "fox"}, /* fox face */
    {0x1f98b, false, "butterfly"}, /* butterfly */
    {0x1f98c, false, "gazelle"}, /* deer */
    {0x1f98d, false, "gorilla"}, /* gorilla */
    {0x1f98e, false, "lizard"}, /* lizard */
    {0x1f98f, false, "rhinoceros"}, /* rhinoceros */
    {0x1f993, false, "zebra"}, /* zebra face */
    {0x1f994, false, "hedgehog"}, /* hedgehog */
    {0x1f995, false, "dinosaur"}, /* sauropod */
    {0x1f996, false, "dinosaur"}, /* t-rex */
    {0x1f997, false, "cricket"}, /* cricket */
    {0x1f998, false, "kangaroo"}, /* kangaroo */
    {0x1f999, false, "llama"}, /* llama */
    {0x1f99a, false, "peacock"}, /* peacock */
    {0x1f99b, false, "hippopotamus"}, /* hippopotamus */
    {0x1f99c, false, "parrot"}, /* parrot */
    {0x1f99e, false, "lobster"}, /* lobster */
    {0x1f99f, false, "mosquito"}, /* mosquito */
    {0x1f9a1, false, "badger"}, /* badger */
    {0x1f9a2, false, "swan"}, /* swan */
    {0x1f9a3, false, "elephant"}, /* mammoth */
    {0x1f9a5, false, "sloth"}, /* sloth */
    {0x1f9a6, false, "otter"}, /* otter */
    {0x1f9a7, false, "orangutan"}, /* orangutan */
    {0x1f9a8, false, "skunk"}, /* skunk */
    {0x1f9a9, false, "flamingo"}, /* flamingo */
    {0x1f9ab, false, "beaver"}, /* beaver */
    {0x1f9ac, false, "bison"}, /* bison */
    {0x1f9ad, false, "seal"}, /* seal */
    {0x1f9ae, false, "dog"}, /* guide dog */
    {0x1f9c2, true, "salt shaker"}, /* salt shaker */
    {0x1f9c3, false, "pop bottle"}, /* beverage box */
    {0x1f9e2, true, "cap"}, /* billed cap */
    {0x1f9e3, false, "scarf"}, /* scarf */
    {0x1f9e4, false, "mitten"}, /* gloves */
    {0x1f9e5, false, "coat"}, /* coat */
    {0x1f9e6, false, "sock"}, /* socks */
    {0x1f9e9, false, "jigsaw puzzle"}, /* jigsaw puzzle piece */
    {0x1f9ed, false, "compass"}, /* compass */
    {0x1f9ee, false, "abacus"}, /* abacus */
    {0x1f9f4, false, "lotion"}, /* lotion bottle */
    {0x1f9f7, false, "safety pin"}, /* safety pin */
    {0x1f9f8, false, "teddy"}, /* teddy bear */
    {0x1f9f9, false, "broom"}, /* broom */
    {0x1f9fa, false, "basket"}, /* basket */
    {0x1f9fb, false, "toilet tissue"}, /* roll of paper */
    {0x1f9fc, false, "soap dispenser"}, /* bar of soap */
    {0x1fa71, false, "maillot"}, /* one-piece swimsuit */
    {0x1fa72, false, "swimming trunks"}, /* briefs */
    {0x1fa73, false, "swimming trunks"}, /* shorts */
    {0x1fa74, false, "sandal"}, /* thong sandal */
    {0x1fa79, false, "band aid"}, /* adhesive bandage */
    {0x1fa7a, false, "stethoscope"}, /* stethoscope */
    {0x1fa82, false, "parachute"}, /* parachute */
    {0x1fa87, false, "maraca"}, /* maracas */
    {0x1fa88, false, "flute"}, /* flute */
    {0x1fa91, false, "chair"}, /* chair */
    {0x1fa93, false, "axe"}, /* axe */
    {0x1fa95, false, "banjo"}, /* banjo */
    {0x1fa96, false, "helmet"}, /* military helmet */
    {0x1fa97, false, "accordion"}, /* accordion */
    {0x1fa98, false, "drum"}, /* long drum */
    {0x1fa9a, false, "saw"}, /* carpentry saw */
    {0x1fa9b, false, "screwdriver"}, /* screwdriver */
    {0x1fa9e, false, "mirror"}, /* mirror */
    {0x1fa9f, false, "window"}, /* window */
    {0x1faa0, false, "plunger"}, /* plunger */
    {0x1faa1, false, "needle"}, /* sewing needle */
    {0x1faa3, false, "bucket"}, /* bucket */
    {0x1faa4, false, "mousetrap"}, /* mouse trap */
    {0x1fab0, false, "fly"}, /* fly */
    {0x1fab1, false, "worm"}, /* worm */
    {0x1fab2, false, "beetle"}, /* beetle */
    {0x1fab3, false, "cockroach"}, /* cockroach */
    {0x1fab4, false, "pot"}, /* potted plant */
    {0x1fab8, false, "coral reef"}, /* coral */
    {0x1fabc, false, "jellyfish"}, /* jellyfish */
    {0x1fabf, false, "goose"}, /* goose */
    {0x1fad1, false, "bell pepper"}, /* bell pepper */
    {0x1fad6, false, "teapot"}, /* teapot */
    {0x1fad9, false, "jar"}, /* jar */
};
/* clang-format on */
const int synsets_emoji_count = ARRAY_LEN(synsets_emojis);

static const struct synsets_emoji *find(uint32_t code)
{
    int low = 0, high = synsets_emoji_count;
    while (low < high) {
        int middle = (low + high) / 2;
        if (synsets_emojis[middle].code == code)
            return &synsets_emojis[middle];
        if (synsets_emojis[middle].code < code)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* Selectors, skin tones and hair: they change how a picture looks, not what it is. */
static bool is_modifier(uint32_t c)
{
    return (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0x1f3fb && c <= 0x1f3ff) || (c >= 0x1f9b0 && c <= 0x1f9b3) ||
           c == 0x20e3;
}

static bool is_blank(uint32_t c)
{
    return c < 0x80 || c == 0xa0 || (c >= 0x2000 && c <= 0x206f);
}

bool synsets_next_emoji(const char **text, struct synsets_picture *out)
{
    static const struct synsets_emoji ice_bear = {BEAR, false, "ice bear"};
    const char *s = *text;
    uint32_t code = 0;
    while (*s) {
        size_t length = synsets_next_code(s, &code);
        if (!is_modifier(code) && code != JOINER && !is_blank(code))
            break;
        s += length;
    }
    if (!*s)
        return false;
    *out = (struct synsets_picture){.start = s, .emoji = find(code)};
    s += synsets_next_code(s, &code);
    for (uint32_t first = code, last = code; *s; last = code) {
        size_t length = synsets_next_code(s, &code);
        if (code != JOINER && last != JOINER && !is_modifier(code))
            break;
        if (first == BEAR && last == JOINER && code == SNOWFLAKE)
            out->emoji = &ice_bear;
        s += length;
    }
    out->bytes = (size_t)(s - out->start);
    *text = s;
    return true;
}
