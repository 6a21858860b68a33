//! The classifier's language table, by whole forms: a number, an expiry, a code and a holder in each language are
//! found, and an e-mail, a phone and a birth date beside them are not.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)] // a test may read the clock and fail loudly

use serde_json::{Value, json};
use std::time::Instant;
use tillside_cobrowse::Relay;
use tillside_cobrowse::mask::Level;
use tillside_cobrowse::policy::Policy;
use tillside_cobrowse::relay::ShareId;

const SHARE: ShareId = ShareId(1);

/// Language, four labels of payment fields, three of others.
const FORMS: [(&str, [&str; 4], [&str; 3]); 28] = [
    (
        "en",
        ["Card number", "Expiry date", "Security code", "Name on card"],
        ["E-mail", "Phone number", "Date of birth"],
    ),
    ("de", ["Kartennummer", "Gültig bis", "Prüfziffer", "Karteninhaber"], ["E-Mail", "Telefonnummer", "Geburtsdatum"]),
    (
        "fr",
        ["Numéro de carte", "Date d'expiration", "Cryptogramme", "Nom sur la carte"],
        ["E-mail", "Téléphone", "Date de naissance"],
    ),
    (
        "es",
        ["Número de tarjeta", "Fecha de caducidad", "Código de seguridad", "Titular de la tarjeta"],
        ["Correo", "Teléfono", "Fecha de nacimiento"],
    ),
    (
        "it",
        ["Numero della carta", "Data di scadenza", "Codice di sicurezza", "Titolare della carta"],
        ["E-mail", "Telefono", "Data di nascita"],
    ),
    (
        "pt",
        ["Número do cartão", "Validade", "Código de segurança", "Nome no cartão"],
        ["E-mail", "Telefone", "Data de nascimento"],
    ),
    (
        "nl",
        ["Kaartnummer", "Vervaldatum", "Beveiligingscode", "Naam op kaart"],
        ["E-mail", "Telefoon", "Geboortedatum"],
    ),
    (
        "pl",
        ["Numer karty", "Data ważności", "Kod bezpieczeństwa", "Posiadacz karty"],
        ["E-mail", "Telefon", "Data urodzenia"],
    ),
    (
        "cs",
        ["Číslo karty", "Platnost karty", "Bezpečnostní kód", "Držitel karty"],
        ["E-mail", "Telefon", "Datum narození"],
    ),
    (
        "sk",
        ["Číslo karty", "Dátum platnosti", "Bezpečnostný kód", "Držiteľ karty"],
        ["E-mail", "Telefón", "Dátum narodenia"],
    ),
    (
        "hu",
        ["Kártyaszám", "Lejárati dátum", "Biztonsági kód", "Kártyabirtokos"],
        ["E-mail", "Telefon", "Születési dátum"],
    ),
    (
        "ro",
        ["Numărul cardului", "Data expirării", "Cod de securitate", "Titularul cardului"],
        ["E-mail", "Telefon", "Data nașterii"],
    ),
    (
        "bg",
        ["Номер на карта", "Валидна до", "Код за сигурност", "Картодържател"],
        ["E-mail", "Телефон", "Дата на раждане"],
    ),
    (
        "el",
        ["Αριθμός κάρτας", "Ημερομηνία λήξης", "Κωδικός ασφαλείας", "Κάτοχος κάρτας"],
        ["E-mail", "Τηλέφωνο", "Ημερομηνία γέννησης"],
    ),
    (
        "tr",
        ["Kart numarası", "Son kullanma tarihi", "Güvenlik kodu", "Kart sahibi"],
        ["E-mail", "Telefon", "Doğum tarihi"],
    ),
    (
        "ru",
        ["Номер карты", "Срок действия", "Код безопасности", "Владелец карты"],
        ["E-mail", "Телефон", "Дата рождения"],
    ),
    ("uk", ["Номер картки", "Термін дії", "Код безпеки", "Власник картки"], ["E-mail", "Телефон", "Дата народження"]),
    ("sv", ["Kortnummer", "Utgångsdatum", "Säkerhetskod", "Kortinnehavare"], ["E-mail", "Telefon", "Födelsedatum"]),
    ("da", ["Kortnummer", "Udløbsdato", "Sikkerhedskode", "Kortholder"], ["E-mail", "Telefon", "Fødselsdag"]),
    ("nb", ["Kortnummer", "Utløpsdato", "Sikkerhetskode", "Kortholder"], ["E-mail", "Telefon", "Fødselsdato"]),
    ("fi", ["Kortin numero", "Voimassa", "Turvakoodi", "Kortinhaltija"], ["E-mail", "Puhelin", "Syntymäaika"]),
    ("ja", ["カード番号", "有効期限", "セキュリティコード", "カード名義人"], ["メール", "電話番号", "生年月日"]),
    ("zh", ["卡号", "有效期", "安全码", "持卡人姓名"], ["邮箱", "电话", "出生日期"]),
    ("ko", ["카드 번호", "유효기간", "보안 코드", "카드 소유자"], ["이메일", "전화", "생년월일"]),
    (
        "ar",
        ["رقم البطاقة", "تاريخ الانتهاء", "رمز الأمان", "اسم صاحب البطاقة"],
        ["البريد الإلكتروني", "هاتف", "تاريخ الميلاد"],
    ),
    ("he", ["מספר כרטיס", "תוקף", "קוד אבטחה", "שם בעל הכרטיס"], ["דואל", "טלפון", "תאריך לידה"]),
    ("hi", ["कार्ड नंबर", "समाप्ति तिथि", "सुरक्षा कोड", "कार्ड धारक"], ["ईमेल पता", "फ़ोन", "जन्म तिथि"]),
    ("th", ["หมายเลขบัตร", "วันหมดอายุ", "รหัสความปลอดภัย", "ชื่อบนบัตร"], ["อีเมล ที่อยู่", "โทรศัพท์", "วันเกิด"]),
];

/// How a label stands by its field.
#[derive(Clone, Copy, Debug)]
enum Style {
    LabelFor,
    DivBefore,
    Placeholder,
    AriaLabel,
}

fn field(style: Style, id: usize, words: &str) -> Vec<Value> {
    let text = json!({ "type": 3, "id": id + 1, "textContent": words });
    let named = |tag: &str, attributes: Value, children: Vec<Value>, id: usize| json!({ "type": 2, "id": id, "tagName": tag, "attributes": attributes, "childNodes": children });
    let input = |attributes: Value| named("input", attributes, vec![], id + 2);
    match style {
        Style::LabelFor => {
            let name = format!("f{id}");
            vec![named("label", json!({ "for": name }), vec![text], id), input(json!({ "id": name }))]
        }
        Style::DivBefore => vec![named("div", json!({}), vec![text], id), input(json!({ "name": "a9f3" }))],
        Style::Placeholder => vec![input(json!({ "placeholder": words }))],
        Style::AriaLabel => vec![input(json!({ "aria-label": words }))],
    }
}

fn levels(style: Style, labels: &[&str]) -> Vec<Level> {
    let fields: Vec<Value> =
        labels.iter().enumerate().flat_map(|(place, words)| field(style, 10 + place * 10, words)).collect();
    let form = json!({ "type": 2, "id": 2, "tagName": "form", "attributes": {}, "childNodes": fields });
    let node = json!({ "type": 0, "id": 1, "childNodes": [form] });
    let event =
        json!({ "type": 2, "timestamp": 1, "data": { "node": node, "initialOffset": { "left": 0, "top": 0 } } });
    let mut relay = Relay::default();
    relay.request(Instant::now(), SHARE, Policy::default()).unwrap();
    relay.consent(SHARE).unwrap();
    relay.handle_record(Instant::now(), SHARE, &mut serde_json::to_vec(&event).unwrap());
    (0..labels.len()).map(|place| relay.level(SHARE, u32::try_from(12 + place * 10).unwrap()).unwrap()).collect()
}

#[test]
fn cards_are_recognised_in_every_language_and_others_are_not() {
    let mut wrong = Vec::new();
    for (language, payment, others) in FORMS {
        for style in [Style::LabelFor, Style::DivBefore, Style::Placeholder, Style::AriaLabel] {
            let labels: Vec<&str> = others.iter().chain(&payment).copied().collect();
            for (place, level) in levels(style, &labels).into_iter().enumerate() {
                let expected = if place < others.len() { Level::Masked } else { Level::Payment };
                if level != expected {
                    wrong.push(format!("{language} {style:?} {}: {level:?}", labels[place]));
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
