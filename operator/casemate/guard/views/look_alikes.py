"""Letters that look like Latin ones, as pairs: facts of Unicode and of UTS 39, in our own order.

A line holds look-alikes and, under them, the letters that they pass for.
"""

from collections.abc import Iterator

# Symbols and phonetic letters that no script needs in running text: folded wherever they stand.
ALWAYS = (
    ("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡʏᴢɑɡɩʋıℯɿ", "abcdefghijklmnopqrstuvwyzagiviei"),
    ("".join(map(chr, range(0x1F150, 0x1F16A))), "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),  # 🅐
    ("".join(map(chr, range(0x1F170, 0x1F18A))), "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),  # 🅰
    ("".join(map(chr, range(0x1F1E6, 0x1F200))), "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),  # flags' letters
    ("".join(map(chr, range(0x1F110, 0x1F12A))), "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),  # 🄐
    ("".join(map(chr, range(0x249C, 0x24B6))), "abcdefghijklmnopqrstuvwxyz"),  # ⒜
    ("İ", "I"),
)

# Look-alikes in any type: folded in a word that is made of nothing else.
STRICT = (
    ("асеорхуіѕјһԁԛԝѵӏүёїѐөӧӓ", "aceopxyisjhdqwvlyeieooa"),
    ("АВЕЅІЈКМНОРСТУХҮԚԜѴӀԌЬҺԀЇЁ", "ABESIJKMHOPCTYXYQWVIGbhdIE"),
    ("ονρϲϳα", "ovpcja"),
    ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹ", "ABEZHIKMNOPTYXC"),
    ("օսցհոզյՕՍՏԼ", "oughnqjOUSL"),
    ("ᎠᎡᎢᎥᎩᎪᎫᎬᎳᎷᎻᎽᏀᏃᏏᏒᏔᏚᏙᏕᏞᏟᏢᏦᏧᏴ", "DRTiYAJEWMHYGZbRWSVSLCPKdB"),
    ("ꓐꓑꓒꓓꓔꓖꓗꓙꓚꓜꓝꓟꓠꓡꓢꓣꓦꓧꓪꓫꓬꓮꓰꓲꓳꓴ", "BPdDTGKJCZFMNLSRVHWXYAEIOU"),
    ("ⲀⲂⲈⲎⲒⲔⲘⲚⲞⲢⲤⲦⲨⲬⲟⲥⲣ", "ABEHIKMNOPCTYXocp"),
    ("ᑌᑕᑭᑯᒍᒪᖇᗅᗞᗷᗰᗯᐯᕼ᙭ᖴᗪᗩᘜᔕᘔᑎᕮ", "UCPdJLRADBMWVHXFDAGSZNE"),
)

# Looser ones: folded only beside Latin letters in the same word.
LOOSE = (
    ("кмтнвгпияшьѡѳқңҡҝӄҥҳӽӿґғҫҽҏԃћџцӕ", "kmthbrnuRwbwokhkkkhxxxrfcepdhuua"),
    ("ИЯШГПѠѲЦЖ", "NRWrnWOUX"),
    ("ικυχγηωτεσβπθδζ", "ikuxynwteoBnodz"),
    ("ΨΩΣ", "WOE"),
    ("քւռբխ", "piuph"),
)


def pairs(rows: tuple[tuple[str, str], ...]) -> Iterator[tuple[int, int]]:
    """The code points of look-alikes, each with the ASCII letter that it passes for."""
    for given, meant in rows:
        yield from zip(map(ord, given), map(ord, meant), strict=True)


# The other way round: Latin letters that pass for Cyrillic ones inside a Russian word.
TO_CYRILLIC = ("aceopxyisjhkABESIJKMHOPCTYXk", "асеорхуіѕјһкАВЕЅІЈКМНОРСТУХк")
