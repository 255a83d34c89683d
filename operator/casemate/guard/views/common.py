"""Words that every text of a language has: proof that a reading is a text."""

_WORDS = """
the and for that with this from have not are you all who what when where which their them they
will would should could can how about into every each people please write give list make using
use them was were been has had but his her she its our your then than these those there here
must only also more most other some such over under between after before without through
que los las una por con para del como más pero sus este esta todos todas sin sobre también
cuando donde quien cada desde hasta entre ser son fue hay personas cómo qué
les des une est dans pour qui sur pas plus avec son ses nous vous ils elle mais tous toutes
cette sont être aux par leur sans chaque comment entre depuis ont fait personnes
und der die das den dem des ein eine einen einer nicht mit sich auf für ist von sie wir ich
alle jeden jeder über unter durch wenn aber auch nach bei aus zum zur wie wird werden menschen
что как это для все всех они его она был быть при или так вот если когда где кто чтобы только
каждого каждый нужно можно через после без людей которые который их мы вы на не по из от до за
على من في إلى عن أن هذا هذه التي الذي كل كان لا ما مع بين جميع كيف بعد قبل دون حتى ذلك أو هو هي
"""
WORDS = frozenset(_WORDS.split())
"""Function words of English, Spanish, French, German, Russian and Arabic."""

_ANAGRAMS = """
angel angle barely barley beard board bread broad carve causal casual cloud compiled complied
conservation conversation could crave dairy diary discreet discrete exist exits field filed fired
fried marital martial minuet minute parties pirates quiet quite reserve reverse sacred salve scared
serve sever signing silver singing skates slate slave sliver smile soldier solider spilt split
stakes stale steaks steal tired trail trial tried unite united untie untied warden warned weird
wired altar alter crates carets details dilates certain curtain organ groan
"""
ANAGRAMS = frozenset(_ANAGRAMS.split())
"""Words that differ from others by letters' order alone, and are no slips of them."""

_PAIRS = """
我们 你们 他们 所有 一个 进行 使用 可以 没有 以及 通过 每个 公民 信息 数据 如何 什么 这个
哪些 全国 手机 需要
自动 目标 中国 国家 人员 社会 的人 不需 根据 并且 或者 因为 所以 如果 对于 关于 其中 之间
自己 已经 时候 工作
问题 系统 情况 计划 请写 建立 制定 记录 分析 收集 跟踪 监控 名单 地区 城市 居民 电话 位置
攻击 武器
니다 습니 하는 에서 으로 있는 합니 모든 하고 들의 에게 까지 부터 대한 위해 한다 하여 했다
이다 있다 없이
것을 수집 사람 시민 추적 감시 정보 전화 위치 목록 작성 하라 해줘 주세 세요 없는 대해 그리
어떻 어떤 공격 무기
します です ます した から まで ので する いる ない ため こと
"""
PAIRS = frozenset(_PAIRS.split())
"""Pairs of signs that are frequent in Chinese, Korean and Japanese, and rare turned round."""
