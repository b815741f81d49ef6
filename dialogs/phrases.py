"""What kind of thing a message is by its words: a control word, a question, a correction, somebody speaking of their own company."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from knowledge.values import normalise

_CONTROL: Mapping[str, str] = MappingProxyType(
    {
        word: verb
        for verb, words in {
            "cancel": "取消|算了|不弄了|退出|结束|不办了|先不弄了|先不了|不查了|不选了|cancel|quit|exit|stop",
            "back": "返回|上一步|上一题|后退|退回|返回上一步|退回上一步|回到上一步|back",
            "again": "重来|重新开始|从头来|从头开始|重新来|重做|restart|start over",
            "help": "帮助|菜单|怎么用|使用说明|help|/help|?|menu",
            "human": "转人工|人工|人工服务|人工客服|找人工|找客服|客服|转客服|真人|human|agent",
            "status": "进度|查进度|查一下进度|我的请求|我的登记|请求进度|status",
            "leave": "先停一下|先停一停|先停|等会再答|等会儿再答|待会再答|待会儿再答|回头再答|晚点再答|先停一下等会再答|先停一下,等会再答|先放着|先放一放|later",
            "resume": "继续|接着|接着来|接着刚才|接着答|接着问|继续答|resume|continue",
            "edit": "改答案|修改|修改答案|改一下|edit|change",
            "why": "为什么|为什么问|为什么问这个|为什么要问这个|为什么问这些|为啥问这个|问这个干嘛|问这个做什么|问这个有什么用|why|why do you ask",
            "repeat": "再说一遍|再说一次|再讲一遍|重复一遍|重复一下|重发一遍|没看清|没看清楚|没看到|没听清|刚才说什么|刚才说什么了|刚才说的什么|刚刚说什么|"
            "你刚才说什么|您刚才说什么|repeat|repeat that|say that again|pardon|what did you say",
            "enough": "先看结果|直接看结果|看结果|先出结果|直接出结果|先这样|就这样|先这样吧|就这些|show results|show result|show me the results",
            "mine": "我的数据|我的信息|我的个人信息|个人信息|我的资料|看我的数据|查我的数据|我的数据在哪|隐私|隐私政策|个人信息说明|my data|my personal data|privacy|privacy policy",
            "export": "导出我的数据|导出数据|导出我的信息|导出个人信息|下载我的数据|把我的数据给我|打开我的数据|export my data|export data|download my data",
            "unconsent": "撤回同意|撤销同意|撤回我的同意|撤回授权|我不同意了|收回同意|取消同意|取消授权|withdraw consent|withdraw my consent|revoke consent",
            "erase": "删除我的数据|删除我的信息|删除个人信息|删除我的个人信息|删掉我的数据|删掉我的信息|清除我的数据|清空我的数据|删我的数据|注销|把我的数据删了|把我的信息删了|"
            "删除我的资料|erase my data|delete my data|delete my personal data|forget me",
            "note": "补充说明|补充|补充一下|我要补充|我要补充说明|我想补充|加个补充说明|add a note|add note",
            "file": "登记|帮我登记|我要登记|登记请求|登记一下",
            "withdraw": "撤回|撤销|撤销登记|撤回请求|撤回登记|我想撤回|我想撤回请求|取消登记|withdraw",
        }.items()
        for word in words.split("|")
    }
)
_CORRECTION = re.compile(
    r"不对|(?<!是)不是.{0,8}(是|，)|是[^不,，]{1,8}[,，]?不是[^吗呢?？]{1,8}$|错了|说错|选错|填错|写错|搞错|弄错|改成|改为|改一下|更正|纠正|应该是|换成|actually|wrong|i meant"
)
_QUESTION = re.compile(
    r"啥|咋|哪(?!怕)|嘛$|么$|(?P<verb>[有能行要给算收管需撑])不(?P=verb)|是不|(?<=.{4})[没不]$|[?？]|吗$|呢$|什么|哪些|哪个|哪里|哪家|多少|怎么|如何|为何|谁|几个|几家|有没有|是不是|能不能|可不可以|可以.{0,6}么|多久|^(what|which|how|who|where|when|can|is|are|do|does)\b"
)
_OWN = re.compile(r"我|咱|本公司|能拿|拿到|能领|能报|能不能申|能申|可以申|够不够|符不符合|符合条件|资格|预审|测算|算一下|\b(we|our|us|i)\b")
_VALIDITY = re.compile(
    r"有效|过期|还能用|还管用|还执行|还算数|作废|延续|到期|截止|still (?:valid|in force|apply|applies)|expir\w+|deadline for the \w* ?(?:plan|paper|policy)|how long .{0,20}(?:plan|paper|policy)"
)
_WHO = re.compile(
    r"谁(?:来|在|能)?(?:管|负责|牵头|主责|办|建|盖)|归.{0,4}(?:谁|哪)|哪(?:几)?(?:个|家)?(?:局|部门|单位|委办)|责任单位|牵头单位|找谁|\bwho\b|which (?:office|bureau|department)"
)
_REGISTERS = re.compile(
    r"(?:帮我?|给我|替我|我要|我想|请|麻烦|那就?|^)(?:先)?登记(?:一下|一个|个|请求|吧|下|$)|(?:让|叫|请)(?:人|专员|你们的人)(?:给我|跟我)?(?:回)?打?个?(?:电话|联系)|\b(?:file a request|register (?:a|my) request|call me back)\b"
)
_LEAVES = re.compile(r"不(?:想|要|用)?再?(?:登记|填|留电话|办)了?|算了|不弄了|取消|退出|\b(?:cancel|never ?mind|forget it|stop)\b")
_CONTACT = re.compile(r"电话|联系方式|怎么联系|地址|邮箱|\b(?:phone|telephone|e-?mail|address|contact details)\b")
_COMPARES = re.compile(
    r"比较|对比|相比|比一?比|哪个(?:更|好|高|多)|哪边(?:更|好|高|多)|区别|不同|不一样|差别|矛盾|说法|\b(?:compare|versus|vs|difference|differ)\b"
)
_WHERE = re.compile(r"是?哪里(?:的|能|可|有|欢迎|支持)?|哪儿|哪(?:个|些)(?:地方|地区|区|市|城市)|\bwhere\b|which (?:city|region|place)")
_WHEN = re.compile(r"什么时候|啥时候|何时|哪[一]?年|几[月号]|截止|期限|时限|到哪天|\bwhen\b|deadline|how long")
_LISTING = re.compile(r"有什么|有哪些|有啥|都有哪|what .*(are|is) there|which .*are there")
_SITES = r"(?:生物医药|医药|生物|产业|健康)*(?:园区|产业园|载体|园)(?:[/、和或及跟与](?:园区|产业园|载体))?"
_PARKS = re.compile(
    rf"(?:有|写到?了?|列了?|点名了?|提到了?)(?:几|多少|哪些|哪几|什么|啥)[个家处]?(?:{_SITES})(?:可以?选|能选|[呢呀啊的吗])*$"
    rf"|(?:{_SITES})(?:一共|总共|都|共)?(?:有|是)?(?:几[个家处]|多少[个家处]?|哪些|哪几[个家处])[呢呀啊]*$"
    r"|\b(?:how many|which|what) (?:\S+ ){0,2}(?:parks|sites)(?: and sites)?(?: are| does)?(?: there)?(?: in .{1,30})?(?: have| are there)?$"
)
_TIERS = re.compile(
    r"(?<!城)市(?:里|级)?[和跟与、,，]?区(?:里|级)?|市(?:里|级).{0,8}区(?:里|级)?|区(?:里|级)?.{0,12}市(?:里|级)|两级"
    r"|\b(?:city|municipal)\b.{0,20}\bdistrict|\bdistrict\b.{0,20}\b(?:city|municipal)\b|\bboth (?:tiers|levels)"
)
_TOGETHER = re.compile(
    r"都(?:能|可以?)?(?:拿|领|申|享|报|给)|(?:能|可以?|能不能|可不可以)(?:.{0,4}(?:都|一起|同时|一块))|叠加|重复(?:拿|领|申|享)|兼得|两份|双份|还(?:能|可以|给|有).{0,3}(?:拿|领|申|享|吗)"
    r"|\b(?:both|together|combine|stack)\b"
)
_CEILING = re.compile("封顶|上限|最高|多少|比例|怎么(?:出|分)|how much|ceiling|cap\\b")
_CHOOSING = re.compile(r"选|落户|落在|落哪|落到|搬|入驻|哪个园|哪个区|哪里好|推荐|适合|合适|找个?园|去哪|放哪|比较|choose|which park|move")
_ENGLISH = re.compile(
    r"\b(the|what|which|how|are|can|could|we|for|parks?|subsid\w+|policy|hello|hi|help|where|does|want|need|please|my)\b", re.IGNORECASE
)
_TRADITIONAL_HINT = re.compile("[一-鿿]")
_TIRED = (
    r"(?:太多|太长|太麻烦|太久|(?:问题|题)(?:也|实在)?太多|好多(?:问题|题)?|没(?:有)?(?:时间|空|工夫|功夫)(?:答|填|回答)?|赶时间|问(?:得|的)?太多)了?"
)
_STOPS = (
    r"(?:就|先)?到(?:这|此)(?:里|儿|为止)?(?:吧|了)?|(?:我|我们)?(?:真的?|实在)?(?:不想|不愿意?|懒得|不要|没(?:有)?(?:时间|空)|不)再?(?:回答|答|填)(?:下去)?了?吧?|(?:差不多|已经)?够了|行了"
    r"|没(?:有)?(?:时间|空|工夫|功夫)了?|(?:(?:问题|题|问的)?(?:也|实在)?太(?:多|长|麻烦))了?|(?:你|您)?(?:直接|就|先)(?:给我?|跟我|告诉我?|看|说|出|报)(?:看|说|出)?(?:一?下)?个?(?:结果|结论)[吧了]?"
    r"|that's enough|enough|no more questions|i'm done|(?:just )?(?:show|give|tell) me the results?"
)
_HOW_MUCH = (
    r"(?:那|就|直接|先|你|您|请|快|给|跟|我|们|告诉|说|看|讲|一?下|现在|这样|到底|一共|总共|大概|大约|最多|公司)*能(?:拿|领|申请?|补|得)到?(?:多少|几)(?:钱|补贴|万)?了?"
    r"|(?:just tell me )?how much (?:can|could|do) (?:we|i) get|(?:just )?tell me how much"
)
_ENOUGH = re.compile(rf"(?:{_TIRED})?(?:{_STOPS})")
_ENOUGH_MONEY = re.compile(rf"(?:{_TIRED})?(?:{_STOPS}|{_HOW_MUCH})")
_TIRED_ONLY = re.compile(_TIRED)
_PAUSE = re.compile(r"[,，。;；~…]+\s*|(?<![a-z])\s+")
_REPORT = re.compile(
    r"(?=.*(?:报告|打印|导出|下载|pdf))(?:我|们|你|您|想|要|能不能|能|可不可以|可以|请问?|帮|给|发|把|那|的|这[个份]|一[下份]|完整|预审|补贴|结果|刚才|怎么|如何|在|哪里?|哪儿|去"
    r"|打印|导出|下载|保存|存|打开|看|拿|找|成|出来|报告|pdf|文件|链接|网址|页面|有没有|有|吗|呢|啊|呀|吧|了|版|电子)*"
    r"|(?:how (?:do|can) i |can i |please )?(?:print|download|export|save)(?: (?:it|this|the report))?|where is (?:the|my) report"
)
_NOTHING_MORE = re.compile(
    r"(?:没有|没|无|没别的|没有别的|没其他|没有其他)(?:需要|问题|事|事情)?[的了啊呢]*|(?:不用|不需要)了|nothing(?: else)?|none"
)
_PUZZLED = re.compile(
    r"(?:我|这个|这题|这道题|这一题|这|那)*(?:也|都|真|还|实在)*的?(?:不知道|不懂|看不懂|没看懂|听不懂|没听懂|不太懂|搞不懂|不明白|没明白|不晓得|不了解|没概念|不会)"
    r"(?:怎么|如何|该怎么|该)?(?:填|选|答|回答|说|弄)?(?:这个|这题|哪个|什么)?[了啊呢呀吧]*"
    r"|(?:i )?(?:don't|dont|do not) (?:know|understand)(?: (?:that|this|it|the question))?|no idea"
)
_MEANING = re.compile(
    r"(?:这|那|这个|那个|这题|这一题|这道题|这个问题|这话|这里|上面|问的)*是?(?:什么|啥|几个|何)个?意思[啊呢呀]?|(?:这|这个|这题)(?:是什么|是啥|问的是什么)"
    r"|(?:这个|这题)?(?:怎么|如何|该怎么)(?:填|选|答|回答)|what (?:does|do) (?:that|this|it|you) mean|what(?: is|'s) (?:that|this)"
)
_TERM = re.compile(
    r"^(?:啥叫|什么叫|什么是|啥是|what is|what's|what does)\s*(.{1,20}?)(?: mean)?$|^(.{1,20}?)(?:是什么意思|什么意思|是啥意思|啥意思|是什么|是啥)$"
)
_SKIP = re.compile(
    r"(?:我|也|还|实在|真的|这个|这题|先)*(?:不太?清楚|不知道|不确定|说不准|说不好|跳过|略过|下一题|下一个|pass|skip|next|not sure|unknown|don't know)(?:这题|这个)?[了啊吧呢]*"
    r"|(?:这|那)(?:个|题|道题|一题)?(?:问题)?(?:我|先)*(?:不想|不愿意?|不便|不方便|不)再?(?:回答|答|填|说)[了啊吧]*"
)
_HELLO = re.compile(r"(?:哈喽|你好|您好|嗨|在吗|在么|在不在|有人吗|喂|早上好|下午好|晚上好|hi|hello|hey)[啊呀,，]*(?:在吗)?")
_THANKS = re.compile(r"(?:好的?|明白了?|知道了|ok)?[,，]?\s*(?:谢谢|多谢|感谢|谢了|非常感谢|辛苦了|thanks|thank you|thx)[你您啦了]*(?:老师)?")
_BYE = re.compile(r"(?:好的?)?[,，]?(?:再见|拜拜|拜|回头见|回聊|我?走了|先下了|下次聊|bye|bye bye|goodbye|see you)[啊啦了]*")
_AGAIN = re.compile(r"重新|重来|重做|重置|从头|从第一|推倒|清空|再来一遍|开头|首页|菜单|restart|start (?:over|again|from)|start$")
_BACK = re.compile(r"上一|前一|返回|后退|回去|退回|回到|往前|回上|\bback\b|previous")
_FIGURE = re.compile(r"\d+(?:\.\d+)?e[+-]?\d+|[\d零〇一二两三四五六七八九十百千万亿年月日号个款项元块%.,，、/~\s-]+")
_PARTS = re.compile(r"[^;；\n。?？!！,，]+[?？]?")
_JOINT = re.compile(r"另外|顺便(?:问一?下?)?|再问一?下?|还想问|想问一?下?|对了|by the way|also")
_CHANGE = re.compile(r"改|换|错|更正|纠正|修|填|选|点到|(?<!是)不是|不对|应该|说的是|手滑|actually|wrong|change|edit|correct|meant")
_WORRY = re.compile(
    r"为什么|为啥|干嘛|干什么|做什么用|有什么用|泄露|隐私|安全|保密|保存|存多久|谁.{0,3}看|给谁|删除|必须|一定要|骚扰|why|privacy|safe"
)


def bare(text: str) -> str:
    """A message without the marks around it."""
    return text.strip(" .。!！~～,，?？")


def control(text: str) -> str | None:
    """The verb of a control word, when the message is nothing else."""
    return _CONTROL.get(normalise(text).strip(" .。!！~～"))


def language_of(text: str, before: str) -> str:
    """The language to answer in: English for English words without Chinese, else as before (Chinese after Chinese)."""
    if _TRADITIONAL_HINT.search(text):
        return "zh"
    return "en" if _ENGLISH.search(text) else before


def is_question(text: str) -> bool:
    """Whether a message asks something."""
    return bool(_QUESTION.search(normalise(text)))


def is_figure(text: str) -> bool:
    """Whether a message is nothing but figures (2021, 3, 300万元), which ask nothing by themselves."""
    return bool(_FIGURE.fullmatch(normalise(text)))


def speaks_of_own(text: str) -> bool:
    """Whether a message is about the person's own company (我们能拿多少), not about the paper (有奖励吗)."""
    return bool(_OWN.search(text))


def speaks_of_choosing(text: str) -> bool:
    """Whether a message is about choosing a site, not about a park by name."""
    return bool(_CHOOSING.search(text))


def asks_for_parks(text: str) -> bool:
    """Whether a message asks how many parks and sites there are, or which, and nothing more of them."""
    said = bare(normalise(text))
    return bool(_PARKS.search(said)) and not re.search("还有|其[他它]|别的|除了", said)


def asks_for_both_tiers(text: str, named: bool = False) -> bool:
    """Whether a message asks if money of the city and of the district may both be had (三类证市区都能拿吗); `named`: both are, by their names."""
    said = normalise(text)
    return is_question(said) and (named or bool(_TIERS.search(said))) and bool(_TOGETHER.search(said)) and not _CEILING.search(said)


def asks_for_number(text: str) -> bool:
    """Whether a message asks how many."""
    return bool(re.search(r"几[个家处]|多少|how many", normalise(text)))


def asks_validity(text: str) -> bool:
    """Whether a message asks if something still holds."""
    return bool(_VALIDITY.search(text))


def asks_who(text: str) -> bool:
    """Whether a message asks who is responsible."""
    return bool(_WHO.search(text))


def registers(text: str) -> bool:
    """Whether a message wants a request to be filed (帮我登记一下)."""
    return bool(_REGISTERS.search(text)) and not withdraws(text)


def leaves_form(text: str) -> bool:
    """Whether a message inside a form wants out of it."""
    return bool(_LEAVES.search(text)) and len(text) <= 24


def withdraws(text: str) -> bool:
    """Whether a message takes a filed request back."""
    return bool(
        re.search(
            r"(?:撤|取消|不要|删).{0,8}(?:登记|请求|工单|单子|申请)|(?:登记|请求|工单|单子).{0,6}(?:撤|取消|不要了|删)|withdraw|(?:cancel|delete|drop).{0,12}(?:request|ticket|case)",
            text,
        )
    )


def asks_contact(text: str) -> bool:
    """Whether a message asks for a telephone number or an address."""
    return bool(_CONTACT.search(text))


def compares(text: str) -> bool:
    """Whether a message compares, or asks for a difference."""
    return bool(_COMPARES.search(text))


def asks_where(text: str) -> bool:
    """Whether a message asks for the place itself, so that asking back for one is no answer."""
    return bool(_WHERE.search(text))


def asks_when(text: str) -> bool:
    """Whether a message asks for a date or a period."""
    return bool(_WHEN.search(text))


def asks_for_list(text: str) -> bool:
    """Whether a message asks what there is (有什么补贴)."""
    return bool(_LISTING.search(text))


def stops_early(text: str, money: bool) -> bool:
    """Whether a message wants no more questions but what follows so far (先到这, 不想答了); `money`: also where it asks how much that is."""
    *before, last = [re.sub("[吧啊呀呢嘛]+$", "", p) for p in _PAUSE.split(bare(normalise(text)))]
    ends = _ENOUGH_MONEY if money else _ENOUGH
    return bool(ends.fullmatch(last)) and all(ends.fullmatch(p) or _TIRED_ONLY.fullmatch(p) for p in before)


def asks_for_report(text: str) -> bool:
    """Whether a message wants the report of a result: its page, printed or to be kept (怎么打印, 报告在哪)."""
    return bool(_REPORT.fullmatch(bare(normalise(text))))


def says_nothing_more(text: str) -> bool:
    """Whether a message only says that there is nothing (没有)."""
    return bool(_NOTHING_MORE.fullmatch(bare(normalise(text))))


def is_puzzled(text: str) -> bool:
    """Whether a message says that its author does not know or understand (不知道, 看不懂)."""
    return bool(_PUZZLED.fullmatch(bare(normalise(text))))


def asks_meaning(text: str, words: str) -> bool:
    """Whether a message asks what the open question means, or a term that stands in its `words` (啥叫三类)."""
    said = bare(normalise(text))
    term = _TERM.match(said)
    named = next((t.strip(" “”\"'") for t in term.groups() if t), "") if term else ""
    return bool(_MEANING.fullmatch(said)) or (len(named) >= 2 and named in normalise(words))


def skips(text: str) -> bool:
    """Whether a message passes over a question (跳过, 下一题, 不清楚)."""
    return bool(_SKIP.fullmatch(bare(normalise(text))))


def chitchat(text: str) -> str:
    """`hello`, `thanks` or `bye` where a message is nothing else."""
    said = bare(normalise(text))
    return next((name for name, words in (("hello", _HELLO), ("thanks", _THANKS), ("bye", _BYE)) if words.fullmatch(said)), "")


def wants_back(text: str) -> str:
    """`again` or `back` where the words say so: one that only looks like it (重点方向) says neither."""
    said = normalise(text)
    return "again" if _AGAIN.search(said) else "back" if _BACK.search(said) else ""


def worries(text: str) -> bool:
    """Whether a message asks what personal data are for and who sees them."""
    return bool(_WORRY.search(normalise(text)))


def parts(text: str) -> list[str]:
    """The parts of a message between its marks and joints, question marks kept: 太仓，另外娄城贷是什么？ → 太仓 / 娄城贷是什么？"""
    return [p.strip() for p in _PARTS.findall(_JOINT.sub("，", text)) if bare(p)]


def without_results(text: str) -> str:
    """A message without the wish to see results first (选园区，先看结果 → 选园区)."""
    return re.sub(r"[,，\s…]*(?:先|直接)(?:给我)?(?:看|出)(?:一?下)?结果[吧了]?", "", text)


def is_correction(text: str) -> bool:
    """Whether a message takes something back."""
    return bool(_CORRECTION.search(normalise(text)))


def speaks_of_change(text: str) -> bool:
    """Whether a message has a word of changing something (改, 填错, 应该是)."""
    return bool(_CHANGE.search(normalise(text)))


def after_correction(text: str) -> str:
    """The part of a correction that says what is right: “不对，是三类” → “三类”."""
    tail = re.split(r"不对|说错了?|选错了?|填错了?|写错了?|搞错了?|弄错了?|改成|改为|改一下|更正|纠正|应该是|换成|actually|i meant|wrong", text)[-1]
    return re.sub(r"^[,，。:：\s]*(不是.{1,8}[,，]\s*)?(是|为|成|应该是)?", "", tail).strip(" ,，。!！")


def without_validity(text: str) -> str:
    """What a question about validity is about: 昆科贷还有效吗 → 昆科贷."""
    return re.sub(
        r"(现在|今天|目前|什么时候|啥时候|何时|哪一?[天年]|会|还|仍)*(是否)?(有效期?|过期|能用|管用|执行|算数|作废|延续|到期|截止)(了|吗|没|到什么时候|到哪天)*",
        "",
        text,
    )
