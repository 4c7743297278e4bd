/**
 * Words that mail programs put between an answer and what it answers, by language. Lower case; compared after `plainLine`, which
 * removes markup, so accents matter and case does not.
 */

function list(words: string): readonly string[] {
  return words.split('|').map((word) => word.trim());
}

/** Verbs of attribution lines: "On Monday Jane <jane@x> wrote:". With a date or an address, and a colon at the end. */
export const WROTE: readonly string[] = list(`
  wrote | writes | a écrit | a ecrit | schrieb | schreibt | geschrieben | escribió | escribio | va escriure | escreveu |
  ha scritto | schreef | geschreven | skrev | skreiv | kirjoitti | kirjutas | napisał | napisała | napisał(a) | pisze |
  napsal | napsal(a) | napsala | napísal | napísal(a) | napísala | írta | a scris | написал | написал(а) | написала |
  писал | писал(а) | пишет | пише | написав | написав(ла) | написа | je napisao | je napisao/la | je napisala |
  je napisal | је написао | rašė | rakstīja | yazdı | έγραψε | כתב | כתבה | כתב/ה | كتب | đã viết | menulis | เขียนว่า |
  写道 | 寫道 | 写到 | 撰写 | が書きました | さんは書きました | のメッセージ | 작성 | 썼습니다
`);

/** What attribution lines begin with. A word alone proves nothing: a date has to follow. */
export const OPENERS: readonly string[] = list(`
  on | at | in a message dated | am | um | le | el | em | il | il giorno | op | den | på | kl | w dniu | dnia | dne |
  dňa | în data de | în | pe | в | у | на | dana | u | στις | vào | pada | tarihinde | בתאריך | ב | في | 在 | 于 | 於
`);

/** Header names of a quoted message: `From:`, `Sent:`, `To:`, `Subject:` as Outlook and others write them. */
export const HEADER_NAMES: Readonly<Record<'from' | 'date' | 'to' | 'subject', readonly string[]>> = {
  from: list(`
  from | von | de | expéditeur | da | van | från | fra | lähettäjä | od | feladó | de la | от | від | kimden |
  gönderen | από | מאת | من | 发件人 | 寄件者 | 寄件人 | 差出人 | 送信元 | 보낸 사람 | 보낸사람 | từ | dari | no | nuo | saatja | จาก | šalje |
  pošiljatelj | odesílatel
`),
  date: list(`
  sent | date | gesendet | datum | gesendet am | envoyé | envoyé le | enviado | enviado el | enviada em | enviado em |
  enviada | fecha | data | inviato | verzonden | verzonden op | skickat | sendt | dato | lähetetty | päivämäärä |
  wysłano | wysłane | odesláno | odoslané | elküldve | küldve | dátum | trimis | отправлено | дата | надіслано |
  изпратено | gönderildi | gönderme tarihi | tarih | στάλθηκε | ημερομηνία | נשלח | תאריך | تم الإرسال | التاريخ |
  发送时间 | 日期 | 寄件日期 | 傳送時間 | 送信日時 | 日時 | 日付 | 보낸 날짜 | 날짜 | đã gửi | ngày | dikirim | tanggal | poslano | saadetud |
  išsiųsta | nosūtīts
`),
  to: list(`
  to | an | à | a | para | per | aan | till | til | vastaanottaja | do | komu | címzett | către | catre | кому | до |
  kime | alıcı | προς | אל | إلى | 收件人 | 收件者 | 宛先 | 받는 사람 | 받는사람 | đến | tới | kepada | za | prima | kellele | kam |
  adresa | destinataire | destinatario
`),
  subject: list(`
  subject | betreff | objet | sujet | asunto | assumpte | assunto | oggetto | onderwerp | ämne | emne | aihe | temat |
  předmět | predmet | tárgy | subiect | тема | относно | konu | θέμα | נושא | الموضوع | 主题 | 主旨 | 件名 | 제목 | chủ đề |
  subjek | perihal | zadeva | teema | tema | temats
`),
};

/** Between dashes: the answered message follows, as a whole. */
export const ORIGINAL_MESSAGE: readonly string[] = list(`
  original message | original e-mail | original email | original appointment | reply message | previous message |
  ursprüngliche nachricht | urspruengliche nachricht | originalnachricht | original-nachricht | ursprünglicher termin |
  message d'origine | message original | courriel original | mensaje original | missatge original |
  messaggio originale | messaggio originario | mensagem original | oorspronkelijk bericht | originele bericht |
  origineel bericht | ursprungligt meddelande | originalmeddelande | oprindelig meddelelse | original meddelelse |
  opprinnelig melding | original melding | alkuperäinen viesti | oryginalna wiadomość | wiadomość oryginalna |
  treść oryginalnej wiadomości | původní zpráva | původní e-mail | pôvodná správa | eredeti üzenet | mesaj original |
  mesajul original | исходное сообщение | оригинальное сообщение | початкове повідомлення | оригінальне повідомлення |
  оригинално съобщение | izvorna poruka | izvirno sporočilo | özgün ileti | orijinal mesaj | αρχικό μήνυμα |
  הודעה מקורית | الرسالة الأصلية | 原始邮件 | 原始郵件 | 原始信件 | 邮件原件 | 元のメッセージ | original message follows | 원본 메시지 | 원본 메일 |
  thư gốc | pesan asli
`);

/** A message is passed on. What follows is content, not a quote. */
export const FORWARDED: readonly string[] = list(`
  forwarded message | forwarded email | forwarded by | begin forwarded message | begin forwarded email |
  start of forwarded message | weitergeleitete nachricht | weitergeleitet von | weitergeleitete e-mail |
  anfang der weitergeleiteten nachricht | anfang der weitergeleiteten e-mail | beginn der weitergeleiteten nachricht |
  message transféré | message réexpédié | début du message transféré | début du message réexpédié | courriel transféré |
  mensaje reenviado | inicio del mensaje reenviado | missatge reenviat | messaggio inoltrato |
  inizio messaggio inoltrato | inizio del messaggio inoltrato | mensagem encaminhada | mensagem reencaminhada |
  início da mensagem encaminhada | início da mensagem reencaminhada | doorgestuurd bericht |
  begin doorgestuurd bericht | vidarebefordrat meddelande | vidarebefordrat mejl | vidarebefordrat brev |
  videresendt meddelelse | videresendt besked | videresendt melding | start på videresendt besked |
  begynn på videresendt melding | välitetty viesti | välitetty viesti alkaa | edelleenlähetetty viesti |
  przekazana wiadomość | przesłana wiadomość | treść przekazanej wiadomości | początek przekazywanej wiadomości |
  przeposlaná zpráva | přeposlaná zpráva | preposlaná správa | továbbított levél | továbbított üzenet |
  mesaj redirecționat | пересылаемое сообщение | пересланное сообщение | перенаправленное сообщение |
  начало переадресованного сообщения | начало переадресуемого сообщения | переслане повідомлення |
  препратено съобщение | proslijeđena poruka | posredovano sporočilo | iletilen ileti | yönlendirilen ileti |
  yönlendirilmiş mesaj | προωθημένο μήνυμα | הודעה שהועברה | الرسالة المعاد توجيهها | رسالة معاد توجيهها | 转发的邮件 |
  转发邮件 | 轉寄的郵件 | 轉寄郵件 | 已转发邮件 | 転送されたメッセージ | 転送メッセージ | 전달된 메시지 | 전달된 메일 | thư được chuyển tiếp | pesan terusan
`);

/** What stands first in the subject of a message that is passed on. Not `VS`: a reply in Finnish. */
export const FORWARD_PREFIXES: readonly string[] = list(`
  fw | fwd | wg | tr | trans | rv | i | enc | doorst | vb | vl | pd | přepos | továbbítás | redir | rif. inoltro |
  пересл | ilt | προώθ | הועבר | 转发 | 轉寄 | 転送 | 전달
`);

/** Lines that devices and programs add below what somebody wrote. Each is the start of a whole line. */
export const DEVICE_SIGNATURES: readonly string[] = list(`
  sent from | sent via | sent with | sent using | sent by | from my iphone | from my ipad | from my android |
  from my mobile | get outlook for | get bluemail for | envoyé depuis | envoyé de mon | envoyé à partir de |
  télécharger outlook | obtenir outlook | von meinem | von meiner | gesendet von | gesendet mit |
  diese nachricht wurde von meinem | diese e-mail wurde von meinem | outlook für | holen sie sich outlook |
  enviado desde | enviado con | enviado do meu | enviado de meu | enviado a partir do | obtener outlook |
  obter o outlook | enviat des | inviato da | scarica outlook | ottieni outlook | verzonden met | verzonden vanaf |
  verstuurd vanaf | verstuurd met | outlook voor | skickat från | skickat med | sendt fra | hent outlook | lähetetty |
  wysłane z | wysłano z | odesláno z | odoslané z | trimis de pe | отправлено с | отправлено из | надіслано з |
  изпратено от | gönderildi | iphone'umdan gönderildi | στάλθηκε από | נשלח מה | أُرسلت من | 从我的 | 從我的 | 发自我的 | 發自我的 |
  傳送自我的 | iphoneから送信 | 나의 iphone에서 | đã gửi từ | dikirim dari
`);

/** In a line that says that the answer belongs above it. Helpdesks write it on top of their mails. */
export const REPLY_ABOVE: readonly string[] = list(`
  type your reply above this line | reply above this line | write a reply above this line | above this line to reply |
  reply directly above this | antwort oberhalb dieser zeile | antwort über diese zeile |
  antworten sie oberhalb dieser zeile | oberhalb dieser linie | répondre au-dessus de cette ligne |
  réponse au-dessus de cette ligne | responda por encima de esta línea | respuesta por encima de esta línea |
  rispondi sopra questa riga | responda acima desta linha | antwoord boven deze regel |
  typ uw antwoord boven deze regel | svar ovenfor denne linje | svara ovanför denna rad | odpowiedz powyżej tej linii
`);
