//! The sentence for the sign at the door. EU Regulation 2024/1689, Article 50(3): who uses emotion
//! recognition informs the people exposed to it.

/// Language codes of ISO 639-1 with their notices.
pub const NOTICES: [(&str, &str); 5] = [
    (
        "en",
        "A computer listens to voices here and guesses emotions from their sound. Nothing is \
         stored. Questions? Please ask the staff.",
    ),
    (
        "de",
        "Hier hört ein Computer Stimmen zu und schätzt Gefühle aus ihrem Klang. Nichts wird \
         gespeichert. Fragen? Bitte an das Personal.",
    ),
    (
        "fr",
        "Ici, un ordinateur écoute les voix et devine des émotions d'après leur son. Rien n'est \
         enregistré. Des questions ? Adressez-vous au personnel.",
    ),
    (
        "es",
        "Aquí un ordenador escucha las voces y estima emociones por su sonido. No se guarda nada. \
         ¿Preguntas? Consulte al personal.",
    ),
    (
        "it",
        "Qui un computer ascolta le voci e stima le emozioni dal loro suono. Nulla viene \
         registrato. Domande? Si rivolga al personale.",
    ),
];
