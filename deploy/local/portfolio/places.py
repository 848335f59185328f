"""Where the lender's customers live: data only."""

from typing import Final, NamedTuple


class Place(NamedTuple):
    """One country of the book. `share` is its part of the customers in percent; `dial` begins its mobile numbers."""

    country: str
    share: int
    time_zone: str
    regions: tuple[str, ...]
    language: str
    currency: str
    dial: str
    given: tuple[str, ...]
    family: tuple[str, ...]


PLACES: Final = (
    Place("IT", 34, "Europe/Rome", ("IT-25", "IT-62", "IT-72", "IT-82"), "it", "EUR", "+39320",
          ("Giulia", "Marco", "Chiara", "Luca", "Elena", "Paolo", "Sara", "Davide"),
          ("Rossi", "Ferrari", "Bianchi", "Romano", "Gallo", "Costa", "Fontana", "Rinaldi")),
    Place("ES", 28, "Europe/Madrid", ("ES-MD", "ES-CT", "ES-AN", "ES-VC"), "es", "EUR", "+34600",
          ("Lucía", "Hugo", "Marta", "Pablo", "Carmen", "Álvaro", "Nuria", "Javier"),
          ("García", "Martín", "López", "Sanz", "Romero", "Vega", "Navarro", "Iglesias")),
    Place("PT", 14, "Europe/Lisbon", ("PT-11", "PT-13", "PT-08"), "pt", "EUR", "+35191",
          ("Beatriz", "Tiago", "Inês", "Rui", "Joana", "Diogo", "Marta", "Nuno"),
          ("Silva", "Ferreira", "Costa", "Almeida", "Lopes", "Pinto", "Moreira", "Tavares")),
    Place("FI", 12, "Europe/Helsinki", ("FI-18", "FI-11", "FI-19"), "fi", "EUR", "+35840",
          ("Aino", "Eero", "Helmi", "Onni", "Venla", "Mikko", "Saara", "Jussi"),
          ("Korhonen", "Virtanen", "Nieminen", "Laine", "Koskinen", "Salmi", "Heikkilä", "Lehto")),
    Place("PL", 12, "Europe/Warsaw", ("PL-14", "PL-12", "PL-22"), "pl", "PLN", "+48500",
          ("Zofia", "Jan", "Hanna", "Piotr", "Maja", "Tomasz", "Ewa", "Marek"),
          ("Nowak", "Wójcik", "Kowalczyk", "Lis", "Mazur", "Krawczyk", "Pawlak", "Zając")),
)  # fmt: skip
