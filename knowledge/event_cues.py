"""Events told as a thing and what became of it, with other words between: CE我们上礼拜拿到了, 一致性评价有三个过了, 批了一张FDA.

`cues` knows the words of each event in their usual order; here only the thing (`_THINGS`) and the verbs that end it are known.
"""

from __future__ import annotations

from knowledge.cues import ABROAD, BULK, CERTIFICATE, HIGHER, TITLE

_CLASSED = rf"(?:{HIGHER}的?(?:医疗)?(?:器械)?|器械|产品)(?:{CERTIFICATE}|证书)"
_GIVEN = "批下来了?|批了|获批了|批准了|过了|通过了|拿到了|拿到手|拿下了?|到手了?|下来了|下来的|放行了?|下了|拿了|有了|取得了|获得了|办下来了?|搞定了?|批的|下的|发的|发了|(?<=已)(?:批|过|拿|备案|认定|通过|获批|中)"
_GOT = "拿到了|拿下了|拿了|取得了|获得了|收到了|办下来了?|办好了|搞定了|批了|批下来了?|发了|下了|过了|通过了"
_BETWEEN = r"(?:(?![没未不等想要能怎如何多几吗补奖钱若临快即]|马上)(?!在[审申办走报评排]|[还正]在)[^,。;!?]){0,8}?"
_NO_QUESTION = "(?![吗么没多]|之?[前后]才|再|才|就能|需|的话)"

_THINGS: tuple[tuple[str, str, str, str, str], ...] = (
    (
        "overseas_approval",
        "fda ema pmda mdr ce 510 美国 欧盟 日本 境外 海外",
        rf"(?:{ABROAD}(?:认证|证书?|注册证?)?|(?:美国|欧盟|日本|境外|海外)的?(?:认证|证(?![券监据])|注册|批文))",
        f"{_GIVEN}|拿着|在手",
        f"{_GOT}|(?<=[刚已])拿[下到]",
    ),
    ("new_device_certificate", "证", _CLASSED, _GIVEN, _GOT),
    ("new_device_certificate", "类", f"{HIGHER}(?:的|那|这|有)*[一两俩三几]?[张个本]", _GIVEN, "拿到了|拿了|下了|批了"),
    ("ind_approved", "ind 临床", "(?:(?<![a-z-])ind(?![a-z])|临床(?:试验)?(?:批[件文]|(?:默示)?许可))", _GIVEN, _GOT),
    (
        "new_drug_approval",
        "新药 药证 nda bla",
        "(?:(?<!类)新药(?:注册证?|上市申请|证书)?|药证|(?<![a-z])(?:nda|bla)(?![a-z]))",
        "批下来了?|批了|获批了|批准了",
        "拿到了|批了",
    ),
    ("new_drug_approval", "批件 批文 药证 药品注册", "(?:药品?(?:注册)?批[件文]|药证|药品注册证书?)", _GIVEN, _GOT),
    ("patent_award", "专利", "专利(?:金|银|优秀)?奖", f"{_GIVEN}|公布|公示|评上了?|(?<=[年月刚天])评的|得了|得的|获了", f"{_GOT}|得了|获了|得到了"),
    (
        "joint_rd_recognised",
        "攻关",
        "攻关项目",
        "立项了|批下来了?|批了|认定了|认下来了?|公示了|公示期?(?:刚刚?|已经?|都)?(?:过|结束)了?|立上了?|评上了?",
        "立项了|认定了|批了",
    ),
    ("consistency_evaluation_pass", "一致性", "一致性(?:评价)?", "过了|通过了|过的|通过的|做下来了|拿下了?|批了", "过了|通过了|拿下了|搞定了"),
    (
        "centralized_procurement_win",
        "采",
        BULK,
        "中了|中标了?|中选了?|进了|进去了?|入围了?|选上了?|拿下了?",
        "中了|中标了|中选了|进了|进入了|拿下了|入围了",
    ),
    (
        "first_set_recognition",
        "首台 首批次 首版次 三首",
        r"(?:首台\(?套\)?|首批次|首版次|三首)(?:认定|证书)?",
        f"{_GIVEN}|评上了?|(?<=[年月刚天])评的|认定了|认定的|公示了|公示期?(?:刚刚?|已经?|都)?(?:过|结束)了?|认下来了?",
        f"{_GOT}|评上了?|评了|入选了|进了",
    ),
    (
        "title_award",
        "小巨人 专精 单项 独角 瞪羚 高企 高新技术 科技型 地标 雏鹰 领军",
        TITLE,
        f"{_GIVEN}|评上了?|(?<=[年月刚天])评的|认定了|认定的|认上了?|公示期?(?:刚刚?|已经?|都)?(?:过|结束)了?|选上了?|入选了",
        f"{_GOT}|评上了?|评了|入选了|选上了|当上了|成了|当了",
    ),
    (
        "innovative_device_green_channel",
        "绿色通道 创新通道 绿通 特别审",
        "(?:绿色通道|创新通道|绿通|特别审[查批](?:程序)?)",
        f"{_GIVEN}|进了|进去了?|(?<=[年月刚天])进的|走上了",
        f"{_GOT}|进了|进入了|走上了|入选了|已进|已经进",
    ),
    (
        "clinical_site_qualified",
        "gcp 临床试验机构",
        "(?:gcp|临床试验机构)(?:机构)?(?:资质|资格|备案)?",
        f"{_GIVEN}|备案了|备上了?|备好了",
        f"{_GOT}|备上了",
    ),
    (
        "pct_filing",
        "pct 国际专利",
        "(?:pct|国际专利)",
        "交了|提了|递了|报了|进了|申请了|公开了|受理了|授权了|递上去了?|交上去了?|提交了|[两三四五六七八九十几\\d]+[件个项]",
        "交了|提了|递了|报了|申请了|提交了|布局了",
    ),
)
OUTCOMES: tuple[tuple[str, str, str, list[str]], ...] = tuple(
    ("event", token, needles, [rf"{thing}{_BETWEEN}(?:{ends}){_NO_QUESTION}", rf"(?:{begins}){_BETWEEN}{thing}"])
    for token, needles, thing, ends, begins in _THINGS
)
"""More cues, in the form of those of `cues`."""
