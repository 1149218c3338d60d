"""Borders: which flights need a passport. Countries have ISO 3166 codes: of three letters in passports, else of two."""

# Territories whose flights to their country, and to each other, are like domestic ones. Source: 8 CFR 235.1 for the
# USA; for the others the practice of their airlines, which ask for an identity card at most.
COUNTRY_OF = {
    "PR": "US", "VI": "US", "GU": "US", "AS": "US", "MP": "US", "UM": "US",
    "GP": "FR", "MQ": "FR", "GF": "FR", "RE": "FR", "YT": "FR", "BL": "FR", "MF": "FR", "PM": "FR",
    "FO": "DK", "GL": "DK", "AX": "FI", "GG": "GB", "JE": "GB", "IM": "GB",
    "CC": "AU", "CX": "AU", "NF": "AU", "EH": "MA",
}  # fmt: skip

# Source: ISO 3166-1 alpha-3.
ISO_3166 = """
ABW AFG AGO AIA ALA ALB AND ARE ARG ARM ASM ATA ATF ATG AUS AUT AZE BDI BEL BEN BES BFA BGD BGR BHR BHS BIH BLM
BLR BLZ BMU BOL BRA BRB BRN BTN BVT BWA CAF CAN CCK CHE CHL CHN CIV CMR COD COG COK COL COM CPV CRI CUB CUW CXR
CYM CYP CZE DEU DJI DMA DNK DOM DZA ECU EGY ERI ESH ESP EST ETH FIN FJI FLK FRA FRO FSM GAB GBR GEO GGY GHA GIB
GIN GLP GMB GNB GNQ GRC GRD GRL GTM GUF GUM GUY HKG HMD HND HRV HTI HUN IDN IMN IND IOT IRL IRN IRQ ISL ISR ITA
JAM JEY JOR JPN KAZ KEN KGZ KHM KIR KNA KOR KWT LAO LBN LBR LBY LCA LIE LKA LSO LTU LUX LVA MAC MAF MAR MCO MDA
MDG MDV MEX MHL MKD MLI MLT MMR MNE MNG MNP MOZ MRT MSR MTQ MUS MWI MYS MYT NAM NCL NER NFK NGA NIC NIU NLD NOR
NPL NRU NZL OMN PAK PAN PCN PER PHL PLW PNG POL PRI PRK PRT PRY PSE PYF QAT REU ROU RUS RWA SAU SDN SEN SGP SGS
SHN SJM SLB SLE SLV SMR SOM SPM SRB SSD STP SUR SVK SVN SWE SWZ SXM SYC SYR TCA TCD TGO THA TJK TKL TKM TLS TON
TTO TUN TUR TUV TWN TZA UGA UKR UMI URY USA UZB VAT VCT VEN VGB VIR VNM VUT WLF WSM YEM ZAF ZMB ZWE
"""
# What passports say besides: stateless persons, refugees, organisations. Source: ICAO Doc 9303 part 3, section 5.
OTHERS = "EUE GBD GBN GBO GBP GBS RKS UNA UNK UNO XBA XCE XCO XIM XOM XPO XXA XXB XXC XXX"
COUNTRIES = frozenset(ISO_3166.split())
NATIONALITIES = COUNTRIES.union(OTHERS.split())


def is_international(origin_country: str, destination_country: str) -> bool:
    """Tell whether a flight between two countries crosses a border where passports are asked for."""
    return COUNTRY_OF.get(origin_country, origin_country) != COUNTRY_OF.get(destination_country, destination_country)
