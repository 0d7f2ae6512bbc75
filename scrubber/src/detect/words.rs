//! The words that give a number or a value its meaning: one table, folded and hashed.
//!
//! A word is looked up lower-case and without accents, so `Prénom`, `PRENOM` and `prénom` written
//! with a combining accent are one entry. Words are found in prose and as parts of keys.

use super::text::is_letter;

/// A set of meanings, one bit each.
pub(crate) type Tags = u128;

macro_rules! tags {
    ($($name:ident = $words:literal;)*) => {
        #[allow(clippy::upper_case_acronyms, reason = "a counter of constants")]
        #[allow(non_camel_case_types, reason = "a counter of constants")]
        #[repr(u32)]
        enum Order { $($name),* }
        $(pub(crate) const $name: Tags = 1 << (Order::$name as u32);)*
        const WORDS: &[(Tags, &str)] = &[$(($name, $words)),*];
    };
}

tags! {
    EMAIL = "email mail courriel mel emails mails mailto smtp courriels e-mail";
    NIR = "nir nss ssn insee secu ameli nirpp insnir numsecu";
    SOCIAL = "ss social sociale ins nia amo vitale cartevitale";
    IBAN = "iban ibans";
    RIB = "rib bban";
    PHONE = "tel telephone phone gsm fax msisdn telephones phones cellphone telefon joignable \
             sms rappeler rappelez appeler appelez whatsapp numtel telfixe telmobile \
             phonenumber mobilephone contactphone tels telf telefono telefonnummer mobilnummer \
             rufnummer numerotelephone telephonenumber fixe handy";
    MOBILE = "mobile mobiles portable portables caller callee callerid appelant appele etranger \
             callback call";
    CARD = "card carte pan cb visa mastercard amex cardnumber ccnum creditcard creditcardnumber \
             bancaire cartebancaire maestro cardno numcarte";
    SIREN = "siren rcs siret";
    TVA = "tva vat vatnumber tvaintra intracommunautaire vatid";
    NIF = "nif spi fiscal tax tin fiscale impots";
    DOB = "bday geburtsdatum geburtstag nacimiento nascita nascimento geboortedatum naissance \
             birth dob birthday birthdate ne nee born ddn datenaissance naiss geboren \
             dateofbirth";
    PASSPORT = "passport passeport passportnumber";
    CNI = "idcardnumber idcardno identitycardnumber nationalid nationalidnumber numcni \
             numerocni cni cnie identite identity idcard cin sejour residence";
    LICENCE = "permis licence driving conduire driverlicense driverslicense drivinglicence neph";
    PLATE = "plaque immatriculation immat immatricule immatriculee plate vehicle vehicule \
             licenseplate licenceplate";
    ADDRESS = "adresse address addr addressline domicile street residence postal rue \
             streetaddress geocodage geocoder livraison";
    OTHER_ID = "rpps adeli finess ine caf imei imsi iccid agdref mrz allocataire rna ipp iep \
             numen matricule eid meid imeisv";
    BIC = "bic swift bicswift swiftcode";
    GEO = "lat latitude lon lng long longitude geo gps coords coordinates coordonnees geopoint \
             geoloc geolocation latlng latlon latlong geojson ll point coordinate";
    TOWN = "postcode zip zipcode codepostal cp postal postalcode plz ville city town commune \
             localite locality municipality";
    NETKEY = "ip ipaddr ipaddress mac macaddr macaddress hwaddr bssid";
    PERSON = "nom prenom prenoms noms firstname lastname surname fullname givenname familyname \
             displayname nm middlename maidenname nomcomplet nomnaissance nomusage patient \
             assure beneficiaire titulaire cardholder locataire salarie usager souscripteur \
             conjoint cn forename vorname nachname familienname geburtsname nombres apellido \
             apellidos cognome voornaam achternaam sobrenome nomfamille nomjeunefille";
    LOGIN = "username login uname userid utilisateur identifiant clientusername remoteuser user \
             authuser preferredusername loginname accountname enduser samaccountname";
    NAME = "name names";
    WHOSE = "first last given family full display user customer client patient maiden middle \
             contact holder owner employee person recipient sender author legal account member \
             subscriber candidate applicant beneficiary guest";
    PASSWORD = "password passwd passwrd passphrase passcode pwd passe mdp motdepasse motpasse \
             dbpassword dbpasswd dbpwd dbpass userpassword userpwd userpass pgpassword mysqlpwd \
             mysqlpassword rootpassword rootpwd adminpassword adminpwd adminpass loginpassword \
             currentpassword newpassword oldpassword confirmpassword smtppassword smtppass \
             redispassword ldappassword keypass storepass sshpass kennwort passwort contrasena \
             senha pw psw pswd userpw bindpw rootpw psk wpapassphrase bindpassword \
             bindcredentials secret secrets clientsecret apisecret appsecret consumersecret \
             sharedsecret phrasesecrete credential credentials creds";
    TOKEN = "apikey accesskey secretkey privatekey accesstoken refreshtoken idtoken authtoken \
             authkey apitoken sessiontoken csrftoken xsrftoken xapikey xauthtoken bearertoken \
             sessionkey phpsessid jsessionid aspsessionid connectsid jwt bearer authorization \
             proxyauthorization signingkey encryptionkey masterkey accountkey sharedaccesskey \
             sharedaccesssignature licensekey deploykey privatetoken usertoken clienttoken \
             devicetoken servicetoken securitytoken subscriptionkey servicekey appkey \
             applicationkey consumerkey authenticitytoken requestverificationtoken vaulttoken \
             githubtoken gitlabtoken npmtoken bottoken xamzsignature xgoogsignature \
             csrfmiddlewaretoken codeverifier clientassertion samlresponse samlrequest ssotoken \
             accesskeysecret xcsrftoken xxsrftoken jsessionidsso";
    WEAK = "token jeton csrf xsrf";
    LOOSE = "session sid sig signature nonce auth cookie setcookie cookies";
    PASS = "pass";
    SESSION = "sessionid sessid";
    COOKIE = "cookie setcookie cookies";
    CODE = "otp pin totp mfa cvv cvc pincode otpcode codepin";
    KEY = "key cle";
    KEY_OF = "api access private secret client signing encryption decryption shared master \
             cloud iam license service account ssh deploy openai anthropic huggingface mistral \
             groq cohere aws azure gcp google github gitlab stripe twilio sendgrid mailgun \
             datadog ibm ovh wireguard presharedkey subscription consumer integration webhook \
             storage hmac aes rsa cipher application security rapidapi function functions \
             privee secrete acces chiffrement invalid app";
    PUBLIC = "public pub publique publishable foreign primary cache object routing partition \
             sort idempotency message dedup lookup row range hash map group topic natural \
             bucket schema sequence hot index cached host dns";
    NOT_VALUE = "count counts type types size sizes length len limit limits usage file files \
             path paths url uri urls expires expiry expiration ttl header headers field fields \
             policy enabled required status error method total max min agent role roles scope \
             scopes format version algorithm alg provider verified valid validated present \
             missing state budget bucket cache hits rate per seconds ms minutes days hours \
             prompt completion input output cached reserved column table index idx constraint \
             variable variables var ref reference store endpoint arn alias label manager \
             handler class fingerprint thumbprint issuer audience reuses start starts end mode \
             hint prefix suffix host port encryption mechanism";
    STATE = "what why how whose whom none null nil undefined unknown true false yes no oui non \
             on off ok not is was are has invalid incorrect wrong bad good empty blank missing \
             absent required optional needed must should can cannot may could will do does did \
             been expired expires expire expiry changed change reset updated update set unset \
             created deleted added failed fail failure error errors success successful \
             successfully denied refused rejected accepted correct valid mismatch matched match \
             matches mismatched disabled enabled hidden masked redacted filtered removed \
             omitted protected encrypted hashed stripped suppressed string str text varchar \
             char bytes integer boolean field value hash plain plaintext authentication \
             authenticated auth login prompt stdin env file here there this that it the a an \
             and or but for from to in of by with using without too short long weak strong used \
             reused verified verification validated stored sent received found generated \
             provided supplied entered given rotated revoked leaked timeout timed please enter \
             try again minimum characters incorrecte invalides vide absente manquant manquante \
             requis requise obligatoire oublie oubliee modifie modifiee reinitialise \
             reinitialisation refuse refusee errone erronee faux fausse inconnu inconnue \
             indefini aucun aucune masque masquee est sont etait doit doivent peut pas trop ne \
             pour par sur avec sans de du des le la les et ou perdu perdue saisi saisie verifie \
             verifiee change changee utilisateur expiree password passwd pwd token passphrase \
             username user be at if then when where who which only also just would have had \
             done so than very more most some any every each all both other another same such \
             via per until since before after between during through about into onto over under \
             once now its he she they them his her their you your we our my were being as \
             within out up down un une ce cette ces qui que dont mais donc car ni si se sa son \
             ses leur leurs nos vos il elle ils elles y en plus moins tout tous toute toutes \
             deux trois apres avant pendant depuis entre lors chez vers selon afin ayant etant \
             sera seront wants needs tries exists fails lacks von da include omit same-origin \
             options option argument arguments flag flags instead parameter parameters";
    COMMAND = "curl wget mysql mysqldump mysqladmin mariadb sshpass htpasswd login auth pass \
             password passwd passphrase pwd mdp passe motdepasse token identified requirepass \
             masterauth otp verification confirmation";
    CLOCK = "ts time timestamp at epoch id ids date seed offset offsets ns us nanos micros \
             millis duration elapsed lsn xid seq sequence block blk trace span nonce bytes \
             started created updated expire step size hash commit request req revision \
             generation checkpoint";
    VERSION = "version release v ver versions rev rv build tag chrome firefox safari";
    POINTER = "lock thread pointer ptr handle tid mutex semaphore object addr";
    CIVILITY = "m mme mlle melle mmes mlles mr dr me pr monsieur madame mademoiselle maitre \
             docteur mrs ms miss prof professeur mister messieurs mesdames herr frau fraulein \
             sr sra srta senor senora sig signor signora signore mevrouw meneer";
    GREETING = "bonjour bonsoir hello hi dear cher chere salut coucou";
    STREET = "rue avenue av ave bd boulevard blvd bvd place pl chemin ch chem impasse imp allee \
             allees quai route rte cours square sq residence lotissement lot passage faubourg \
             fbg esplanade promenade ruelle sentier villa hameau lieudit traverse montee cite \
             mail voie rond venelle street road avenida strasse lane drive";
    PARTICLE = "de du des la le les l d et en sur sous aux au saint sainte st ste van von der";
    MONTH = "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre \
             decembre january february march april may june july august september october \
             november december jan feb mar apr jun jul aug sep sept oct nov dec janv fev fevr \
             avr juil";
    PREFIX = "indicatif prefix prefixe countrycode dialcode dial callingcode dialling";
    NUMBER = "numero number num local no nationalnumber subscriber";
    VALUE = "value valeur val v";
    LABEL = "name key field champ k attribute label param nom cle property attr";
    WHO = "client patient cliente patiente assure assuree beneficiaire titulaire locataire \
             salarie salariee usager utilisateur utilisatrice customer employee conseiller \
             conseillere collaborateur collaboratrice adherent candidat candidate eleve contact \
             praticien praticienne medecin etudiant etudiante enfant tuteur conjoint conjointe \
             mandataire avocat notaire agent employe employee gerant dirigeant infirmier \
             infirmiere abonne abonnee debiteur creancier emprunteur proprietaire bailleur \
             passager passagere conducteur conductrice expediteur destinataire heritier defunt \
             victime temoin demandeur demandeuse redevable contribuable administre souscripteur \
             allocataire resident residente interne pere mere epoux epouse auteur author \
             committer holder cardholder passenger driver student doctor physician nurse \
             claimant beneficiary patientin kunde kundin benutzer";
    GIVEN = "jean marie pierre michel andre philippe alain bernard jacques daniel christophe \
             nicolas patrick frederic laurent stephane eric david pascal olivier thierry julien \
             francois christian sebastien thomas alexandre antoine guillaume vincent jerome \
             dominique francoise isabelle nathalie sylvie catherine christine sandrine \
             veronique valerie celine stephanie sophie anne virginie aurelie julie emilie \
             camille laura pauline marine charlotte lea manon emma chloe ines sarah louise \
             alice lucie claire helene martine monique nicole jacqueline jeanne brigitte \
             chantal annie corinne caroline elodie melanie audrey delphine laetitia karine \
             patricia florence agnes mathilde margaux juliette clemence justine marion anais \
             oceane romane jade zoe lola eva lena rose margot lucas hugo louis enzo theo nathan \
             gabriel leo jules arthur raphael adam paul maxime mathis ethan baptiste quentin \
             romain florian benjamin jeremy kevin damien fabien cedric yann loic ludovic \
             mathieu matthieu arnaud benoit bruno denis didier fabrice franck georges gerard \
             gilles guy henri herve hubert joel lionel luc marc marcel maurice rene robert \
             roger roland serge sylvain yves yvette yvonne bertrand simone suzanne odile noemie \
             elise elsa eloise apolline amelie adele capucine prudence gaston leon edouard \
             emile etienne eugene felix ferdinand xavier mohamed mohammed karim fatima samir \
             rachid nadia leila yasmine amina youssef mehdi john james william richard joseph \
             charles mary patricia jennifer linda elizabeth barbara susan jessica karen nancy \
             margaret peter andrew george edward brian anna hans klaus jurgen wolfgang uwe \
             stefan monika petra ursula sabine heike ana juan jose carlos luis miguel javier \
             maria carmen pilar giuseppe giovanni marco luca francesca giulia chiara joao pedro \
             piotr agnieszka ivan olga anja lars sven ingrid";
    AUTH = "password publickey authentication auth login logon authenticated authenticate \
             logged connected signed session account access credentials passe connexion \
             authentification keyboard interactive kerberos gssapi otp mfa sso saml oidc ldap \
             pam reset token connecte identifie tant impersonating authorized attempts";
    VERB = "created requested approved reviewed assigned submitted uploaded cree creee valide";
    HINT = "family given role uid tty cmd su by par values";
    ABOUT = "signe signee valide validee appel demande facture commande courrier contrat \
             adhesion sinistre rdv consultation ordonnance requested approved reviewed signed \
             envoye envoyee adresse transmis recu recue creee modifiee supprimee accorde \
             dossier compte rapport message lettre certificat attestation inscription \
             reservation remboursement virement";
    REMOTE = "remote http upstream grpc";
    BY = "createdby updatedby modifiedby deletedby approvedby requestedby uploadedby \
             submittedby reviewedby changedby lastmodifiedby assignedto assignee author \
             committer reviewer requester requestor approver submitter creepar modifiepar \
             validepar signepar auteur createur valideur demandeur owner operateur";
    TECHNICAL = "root admin postgres app git nginx www data nobody ubuntu debian docker node \
             daemon system service svc rw ro api web backend worker user users guest anonymous \
             anon test none null nil true false undefined unknown default public redis mysql \
             ollama litellm jenkins runner ci bot prometheus grafana loki qdrant caddy vector \
             monitoring backup replication replicator superuser operator me self list search \
             new edit login logout signin signup signout sign in out up password passwords \
             forgot reset export import settings profile fiche count stats roles groups all \
             active bulk invite status health is not no invalid empty missing required ok error \
             failed deleted created updated agent session reader writer reporter proxy exporter \
             sshd cron mail ftp oracle support deploy internal external local localhost server \
             client home opt var tmp usr etc bin lib log logs src dist assets static shared \
             www-data model models cache config name id key value string str int bool object \
             array map type class and or the for from with was has chat rag vllm ai ml gateway \
             auth token tokens index documents files upload uploads does that this already \
             exists email e-mail inconnu inconnue introuvable supprime cree modifie connecte \
             deconnecte authentifie bloque desactive actif inactif invalide courant courante \
             invite invitee anonyme systeme qui avec sans dans par pour sur non est sont ont \
             peut doit absent deja domaine fichier serveur projet produit champ colonne machine \
             hote poste groupe modele dossier image ca administrator administrateur terraform \
             helm argocd airflow ansible kubernetes kubelet systemd dependabot renovate gitlab \
             github redacted masked hidden anonymized anonymised traitement logiciel travail \
             configuration defaut exploitation cyrus news uucp lp games sync halt shutdown adm \
             mailnull smmsp rpc rpcuser nfsnobody gopher postfix dovecot clamav amavis named \
             ntp dbus polkitd avahi tomcat jetty apache httpd zabbix nagios munin puppet hadoop \
             hdfs yarn spark kafka zookeeper elasticsearch elastic logstash kibana mongod \
             mongodb mariadb couchdb rabbitmq memcached vagrant centos fedora ec azureuser pi \
             osmc ubnt ftpuser dbadmin sysadmin webadmin gpadmin pgsql sybase odoo openerp \
             moodle wordpress drupal gerrit nexus sonar minio keycloak vault consul nomad etcd \
             flannel calico coredns haproxy varnish squid bind unbound telegraf influxdb \
             airbyte dbt metabase superset hasura strapi celery gunicorn uvicorn supervisor \
             systemctl journald rsyslog syslog audit auditd snap lxd lxc libvirt qemu kvm \
             colord whoopsie messagebus sshuser deployer devops noc register interactive";
    FOLDER = "home users user dossier dossiers clients client patients patient profile profiles \
             members people accounts employees";
    SPELT_AT = "at arobase arpa";
    HASH = "sha ssha smd md crypt pbkdf";
    SCHEME = "bearer basic";
    HOSTLIKE = "ip ipv ipv4 ipv6 ip6 mac server bind listen host port peer hardware net network \
             memory mem socket advertise base physical virtual";
}

/// Meanings that only speak against, or only beside another.
pub(crate) const AGAINST: Tags = KEY_OF
    | PUBLIC
    | STATE
    | WHOSE
    | NOT_VALUE
    | CLOCK
    | VERSION
    | POINTER
    | PARTICLE
    | MONTH
    | PREFIX
    | LABEL
    | TECHNICAL
    | HOSTLIKE
    | REMOTE
    | GIVEN;
/// Meanings that a name or a login follows.
pub(crate) const BEFORE_NAME: Tags = CIVILITY | GREETING | WHO | PERSON | NAME | ABOUT | BIC;
/// Meanings that a machine-readable zone follows.
pub(crate) const PAPERS: Tags = PASSPORT | CNI | OTHER_ID;
/// Meanings of words that a sentence has a login after.
pub(crate) const BEFORE_LOGIN: Tags = LOGIN | AUTH | VERB;
/// Meanings that sentences alone have: no key, quote or bracket makes anything of them.
pub(crate) const SPOKEN: Tags = AUTH | VERB | CIVILITY | GREETING | STREET | SPELT_AT | SCHEME;
/// Meanings that only a pair, a quote or a path needs.
const BEFORE_VALUE: Tags = LOGIN
    | AUTH
    | VERB
    | HINT
    | NETKEY
    | BY
    | PASSWORD
    | TOKEN
    | PASS
    | WEAK
    | LOOSE
    | SESSION
    | CODE
    | HASH
    | COMMAND
    | COOKIE
    | KEY
    | FOLDER
    | SCHEME
    | SPELT_AT
    | STREET
    | ADDRESS
    | EMAIL
    | NUMBER;
/// Meanings that make a number of six digits or more personal, and no other.
pub(crate) const LONG: Tags = NIR | SOCIAL | IBAN | RIB | PHONE | MOBILE | CARD | SIREN | TVA | NIF;
/// Meanings that make a number personal.
pub(crate) const BEFORE_NUMBER: Tags = !(AGAINST | BEFORE_NAME | BEFORE_VALUE);

const SLOTS: usize = 4096;
/// Bits of the filter of words: a power of two with a shift of its own in [`head_bit`].
const HEADS: usize = 1 << 15;
/// An odd number without pattern: 2^64 divided by the golden ratio.
const MIX: u64 = 0x9E37_79B9_7F4A_7C15;
/// Longest word in the table, in folded bytes.
pub(crate) const WORD_MAX: usize = 24;

/// The compiled table.
pub(crate) struct Words {
    /// The low half of a word's hash and its place in `meanings`; (0, 0) where free.
    slots: Vec<(u32, u32)>,
    meanings: Vec<Tags>,
    /// One bit per hash of the first eight letters of the words that gates look for.
    heads: Box<[u64; HEADS / 64]>,
}

impl Words {
    /// Hashes the table.
    pub(crate) fn new() -> Words {
        let mut words = Words {
            slots: vec![(0, 0); SLOTS],
            meanings: Vec::new(),
            heads: Box::new([0; HEADS / 64]),
        };
        for (tags, list) in WORDS {
            for word in list.split_ascii_whitespace() {
                words.insert(hash(word.as_bytes()), *tags);
                let head = word.bytes().take(8).rev().fold(0, |n, b| n << 8 | u64::from(b));
                let bit = head_bit(head, word.len());
                if let Some(bits) = words.heads.get_mut(bit / 64)
                    && tags & !AGAINST != 0
                {
                    *bits |= 1 << (bit % 64);
                }
            }
        }
        words
    }

    /// Whether a word of ASCII letters may be one that gates look for: those whose meaning makes
    /// what follows personal or secret. `head` holds its first eight bytes, the first lowest.
    #[inline(always)]
    pub(crate) fn may_be(&self, head: u64, length: usize) -> bool {
        let bit = head_bit(head, length);
        self.heads[bit / 64 % (HEADS / 64)] >> (bit % 64) & 1 == 1 // Proof: below the length
    }

    fn insert(&mut self, hash: u64, tags: Tags) {
        let all = self.find(hash) | tags;
        let meaning = self.meanings.iter().position(|m| *m == all).unwrap_or_else(|| {
            self.meanings.push(all);
            self.meanings.len() - 1
        });
        let (start, check) = (slot(hash), hash as u32 | 1);
        for i in 0..SLOTS {
            if let Some(s) = self.slots.get_mut((start + i) % SLOTS)
                && (s.0 == 0 || s.0 == check)
            {
                *s = (check, meaning as u32);
                return;
            }
        }
    }

    fn find(&self, hash: u64) -> Tags {
        let (start, check) = (slot(hash), hash as u32 | 1);
        for i in 0..SLOTS {
            match self.slots.get((start + i) % SLOTS) {
                Some(&(c, m)) if c == check => {
                    return self.meanings.get(m as usize).copied().unwrap_or(0);
                }
                Some((0, _)) | None => return 0,
                _ => {}
            }
        }
        0
    }

    /// The meanings of one word, accents and case ignored.
    pub(crate) fn of(&self, word: &[u8]) -> Tags {
        if word.is_ascii() {
            return self.find(hash(word));
        }
        let mut fold = Fold::default();
        for (i, &b) in word.iter().enumerate() {
            fold.accented(b, i.checked_sub(1).and_then(|j| word.get(j)).copied().unwrap_or(0));
        }
        self.find(fold.hash())
    }

    /// The meanings of the parts of a key (`client_email`, `ClientUsername`, `date-naissance`) and,
    /// where a part has one, of the whole key read as one word.
    pub(crate) fn of_key(&self, key: &[u8]) -> Tags {
        let (mut tags, mut parts) = (0, 0);
        self.parts(key, |_, _, t| {
            tags |= t;
            parts += 1;
        });
        if parts < 2 || tags & !(AGAINST | SPOKEN) == 0 {
            return tags;
        }
        let (mut all, mut prev) = (Fold::default(), 0);
        for &b in key.iter().filter(|b| is_letter(**b)) {
            all.accented(b, prev);
            prev = b;
        }
        tags | self.find(all.hash()) & !LABEL & !VALUE
    }

    /// Calls `each` with the start, end and meanings of each part of a key: runs of letters, cut
    /// where a capital follows a small letter.
    pub(crate) fn parts(&self, key: &[u8], mut each: impl FnMut(usize, usize, Tags)) {
        let mut i = 0;
        while i < key.len() {
            let (end, accents) = part(key, i);
            if end > i {
                let word = super::text::sub(key, i, end);
                each(i, end, if accents { self.of(word) } else { self.find(hash(word)) });
            }
            i = end.max(i + 1);
        }
    }
}

/// Where the part of a key that starts at `i` ends, and whether it has letters beyond ASCII.
fn part(key: &[u8], i: usize) -> (usize, bool) {
    let (mut end, mut prev, mut accents) = (i, 0u8, false);
    while let Some(&b) = key.get(end) {
        if !is_letter(b) || b.is_ascii_uppercase() && prev.is_ascii_lowercase() {
            break;
        }
        accents |= b >= 0x80;
        prev = b;
        end += 1;
    }
    (end, accents)
}

/// The bit of a word among [`HEADS`]: its first eight letters, case ignored.
#[inline(always)]
fn head_bit(head: u64, length: usize) -> usize {
    let used = if length < 8 { (1u64 << (8 * length)) - 1 } else { !0 };
    let folded = (head | 0x2020_2020_2020_2020) & used;
    (folded.wrapping_mul(MIX) >> 49) as usize
}

fn slot(hash: u64) -> usize {
    (hash >> 48) as usize % SLOTS
}

/// The hash of a word of ASCII, its case ignored.
fn hash(word: &[u8]) -> u64 {
    const FOLD: u64 = 0x2020_2020_2020_2020;
    let eight = |b: Option<&[u8; 8]>| b.map_or(0, |b| u64::from_le_bytes(*b) | FOLD);
    let four =
        |b: Option<&[u8; 4]>| b.map_or(0, |b| u64::from(u32::from_le_bytes(*b)) | FOLD >> 32);
    let (a, b, c) = match word.len() {
        0 => return 1,
        1..=3 => {
            let at = |i: usize| u64::from(word.get(i).map_or(0, |b| b | 0x20));
            (at(0) | at(1) << 8 | at(2) << 16, 0, 0)
        }
        4..=7 => (four(word.first_chunk()) << 32 | four(word.last_chunk()), 0, 0),
        8..=16 => (eight(word.first_chunk()), eight(word.last_chunk()), 0),
        17..=WORD_MAX => {
            let middle = word.get(8..).and_then(|w| w.first_chunk());
            (eight(word.first_chunk()), eight(middle), eight(word.last_chunk()))
        }
        _ => return 1,
    };
    let h = (a ^ word.len() as u64).wrapping_mul(MIX);
    let h = (h ^ h >> 32 ^ b).wrapping_mul(MIX);
    (h ^ h >> 32 ^ c.rotate_left(7)).wrapping_mul(MIX) | 1
}

/// A word being folded to ASCII.
#[derive(Default)]
struct Fold {
    bytes: [u8; WORD_MAX],
    len: usize,
}

impl Fold {
    fn push(&mut self, b: u8) {
        if let Some(place) = self.bytes.get_mut(self.len) {
            *place = b;
        }
        self.len += 1;
    }

    /// Adds a byte of UTF-8: `C3 xx` becomes its base letter, combining accents vanish.
    fn accented(&mut self, b: u8, prev: u8) {
        match (prev, b) {
            (_, 0xC3 | 0xC5 | 0xCC | 0xCD) => {}
            (0xC3, _) => self.push(base_letter(b)),
            (0xC5, 0x92 | 0x93) => {
                self.push(b'o');
                self.push(b'e');
            }
            (0xCC | 0xCD, _) => {}
            (_, 0xE8..=0xEB) => self.push(b'e'),
            _ => self.push(b),
        }
    }

    fn hash(&self) -> u64 {
        self.bytes.get(..self.len).map_or(1, hash)
    }
}

/// The ASCII letter under the accent of U+00C0–U+00FF, given the second byte of its UTF-8.
pub(crate) fn base_letter(second: u8) -> u8 {
    match second | 0x20 {
        0xA0..=0xA5 => b'a',
        0xA7 => b'c',
        0xA8..=0xAB => b'e',
        0xAC..=0xAF => b'i',
        0xB1 => b'n',
        0xB2..=0xB6 | 0xB8 => b'o',
        0xB9..=0xBC => b'u',
        0xBD | 0xBF => b'y',
        _ => second,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding() {
        let w = Words::new();
        assert_eq!(w.of("Prénom".as_bytes()), PERSON);
        assert_eq!(w.of("pre\u{301}nom".as_bytes()), PERSON);
        assert_eq!(w.of(b"xyzzy"), 0);
        assert_eq!(w.of(b""), 0);
        assert!(w.of_key(b"date_naissance") & DOB != 0);
        assert!(w.of_key(b"ClientUsername") & LOGIN != 0);
        assert!(w.of_key(b"X-OpenWebUI-User-Name") & NAME != 0);
        assert!(w.of_key(b"max_tokens") & (TOKEN | WEAK | LOOSE) == 0);
    }
}
